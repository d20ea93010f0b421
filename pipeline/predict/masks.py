"""Where the fixed image's regions come from: the bundle's segmentor, or the user's own files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from pairs.errors import BadLabels, MissingVolume
from pairs.header import StoredArray, parse_header
from pairs.volume import Volume, read_labels, read_probabilities, require_same_grid
from pairs.volumefile import open_volume
from pipeline.config import IntensityConfig
from pipeline.predict.keptmasks import KeptSegmentations
from pipeline.preprocess import normalise
from pipeline.segment.segmentor import Segmentation, Segmentor, segmentation_of

__all__ = ["FileMasks", "Masks", "SegmentorMasks", "segmentation_file"]

Masks = Callable[[Volume], Segmentation]
"""A source of segmentations: regions and confidence of an image, on its grid."""

_LABELS_TOLD = 10


class SegmentorMasks:
    """The bundle's segmentor, asked once for each image content.

    Args:
        segmentor: the network.
        intensity: how its inputs are scaled.
        kept: where its results are kept.
    """

    def __init__(self, segmentor: Segmentor, intensity: IntensityConfig, kept: KeptSegmentations) -> None:
        self.segmentor = segmentor
        self.intensity = intensity
        self.kept = kept

    def __call__(self, image: Volume) -> Segmentation:
        """The kept segmentation, or a new one.

        Raises:
            OutputError: the result cannot be kept.
        """
        segmentation = self.kept.get(image.array)
        if segmentation is None:
            segmentation = self.segmentor(normalise(image.array, self.intensity))
            self.kept.put(image.array, segmentation)
        return segmentation


class FileMasks:
    """The user's own label maps (X, Y, Z) or probabilities (X, Y, Z, N), named as the images.

    Args:
        folder: where they lie.
        regions: label value of each region index, ascending; the N probabilities are in this order.
    """

    def __init__(self, folder: Path, regions: Sequence[int]) -> None:
        self.folder = folder
        self.regions = np.asarray(regions)

    def __call__(self, image: Volume) -> Segmentation:
        """The file's segmentation; a label map alone counts as certain, p = 1.

        Raises:
            VolumeError: missing, unreadable, on another grid, or of other labels than the weights.
        """
        path = segmentation_file(self.folder, image.header.path)
        with open_volume(path) as stream:
            stored = parse_header(path, stream, frames=True)
        require_same_grid(image.header, stored.header)
        return self._from_labels(path) if stored.shape[3] == 1 else self._from_probabilities(path, stored)

    def _from_labels(self, path: Path) -> Segmentation:
        labels = read_labels(path).array
        indices = np.searchsorted(self.regions, labels).clip(max=len(self.regions) - 1)
        unknown = np.unique(labels[self.regions[indices] != labels])
        if unknown.size:
            more = f" and {unknown.size - _LABELS_TOLD} more" if unknown.size > _LABELS_TOLD else ""
            raise BadLabels(
                "unknown labels in the segmentation",
                where=path,
                expected=f"the labels {self.regions.tolist()} of the weights",
                got=f"{unknown[:_LABELS_TOLD].tolist()}{more}",
            )
        return Segmentation(indices.astype(np.uint8), np.ones(labels.shape, np.float16))

    def _from_probabilities(self, path: Path, stored: StoredArray) -> Segmentation:
        if stored.shape[3] != len(self.regions):
            raise BadLabels(
                "another number of probabilities than regions",
                where=path,
                expected=f"{len(self.regions)}, for the labels {self.regions.tolist()} of the weights",
                got=stored.shape[3],
            )
        return segmentation_of(torch.from_numpy(read_probabilities(path)).movedim(-1, 0))


def segmentation_file(folder: Path, image: Path) -> Path:
    """The user's own segmentation of `image`.

    Raises:
        MissingVolume: there is none.
    """
    path = folder / image.name
    if not path.is_file():
        raise MissingVolume("no segmentation of the image", where=path)
    return path
