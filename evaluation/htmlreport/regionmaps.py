"""Label maps that are no ground truth: a user's own, or the segmentor's, kept beside the fields."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.htmlreport.runrecord import Run
from pairs.errors import CorruptVolume, VolumeError
from pairs.fields.npzfile import read_npz_arrays
from pairs.files.damage import damage_reported
from pairs.images.grid import require_same_shape
from pairs.images.header import Header
from pairs.images.volume import read_labels
from pairs.tasks.pair import Pair

__all__ = ["KeptRegions", "RegionFiles", "RegionMaps", "region_maps"]

Labels = NDArray[np.integer]

_KEPT = ".segmentations"
# Of one voxel: region and confidence.
_VOXEL_BYTES = 3


@dataclass(frozen=True)
class RegionFiles:
    """Label maps in a folder of the user's, named as the images.

    Attributes:
        folder: Where they lie.
        names: Of the labels, as far as they are known.
    """

    folder: Path
    names: Mapping[int, str]
    origin: str = "regions of the label maps given with --segmentations"

    def read(self, pair: Pair, grids: tuple[Header, Header]) -> tuple[Labels, Labels]:
        """Reads the maps of the fixed and the moving image.

        Raises:
            VolumeError: If one is missing, damaged or of another shape.
        """
        fixed, moving = (
            _of_shape(self.folder / image.name, grid)
            for image, grid in zip((pair.fixed, pair.moving), grids, strict=True)
        )
        return fixed, moving


@dataclass(frozen=True)
class KeptRegions:
    """What the segmentor of a run found, as the run kept it.

    Attributes:
        folder: Where it lies.
        run: What is known of the run.
    """

    folder: Path
    run: Run
    origin: str = "regions that the segmentor of the run found"

    @property
    def names(self) -> Mapping[int, str]:
        """Of the region indices, which stand in for labels; 0 is the background."""
        return {index: name for index, name in enumerate(self.run.region_names) if index > 0}

    def read(self, pair: Pair, grids: tuple[Header, Header]) -> tuple[Labels, Labels]:
        """Reads the maps of the fixed and the moving image.

        Raises:
            VolumeError: If one was not kept, or is damaged.
        """
        record = self.run.of_pair(pair.name)
        names = () if record is None else record.segmentations
        if len(names) != 2:
            raise VolumeError("the run kept no segmentation of both images", where=pair.name)
        fixed, moving = (self._labels(name, grid) for name, grid in zip(names, grids, strict=True))
        return fixed, moving

    def _labels(self, name: str, grid: Header) -> Labels:
        # The name comes from a file: it may lead nowhere else.
        path = self.folder / Path(name).name
        with damage_reported(path, "kept segmentation", CorruptVolume):
            indices: Labels = read_npz_arrays(path, _VOXEL_BYTES * math.prod(grid.shape))["labels"]
            if indices.shape != grid.shape or indices.dtype != np.uint8:
                raise ValueError(f"labels {indices.shape} {indices.dtype}")
            return indices


RegionMaps = RegionFiles | KeptRegions


def region_maps(
    given: Path | None, fields: Path, run: Run | None, names: Mapping[int, str]
) -> RegionMaps | None:
    """Returns where the regions of a task without labels come from; None where there are none.

    Args:
        given: Folder of the user's own label maps.
        fields: Folder of the fields.
        run: What is known of the run.
        names: Of the task's labels.
    """
    if given is not None:
        return RegionFiles(given, {label: name for label, name in names.items() if label > 0})
    if run is None or len(run.region_names) < 2 or not any(one.segmentations for one in run.pairs):
        return None
    return KeptRegions(fields / _KEPT, run)


def _of_shape(path: Path, grid: Header) -> Labels:
    volume = read_labels(path)
    require_same_shape(grid, volume.header)
    return volume.array
