"""Where an image's regions come from: the bundle's segmentor, the user's own files, or nowhere."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from pairs.errors import BadLabels, MissingVolume
from pairs.files.regularfile import is_regular
from pairs.images.grid import require_same_grid
from pairs.images.header import StoredArray, parse_header
from pairs.images.volume import Volume, read_labels, read_probabilities
from pairs.images.volumefile import open_volume
from pairs.process.counting import first_few
from pipeline.regions.kept import KeptSegmentations
from pipeline.regions.segmentor import Segmentation, segmentation_of
from pipeline.regions.sides import SideCheck
from pipeline.regions.volumes import VolumeSegmentor

__all__ = [
    "FileMasks",
    "Masks",
    "SegmentorMasks",
    "SideCheckedMasks",
    "background_everywhere",
    "segmentation_file",
]

Masks = Callable[[Volume], Segmentation]
"""A source of segmentations: regions and confidence of an image, on its grid."""

log = logging.getLogger(__name__)


class SegmentorMasks:
    """The bundle's segmentor, asked once for each image content.

    Args:
        segmentor: the network.
        kept: where its results are kept.
    """

    def __init__(self, segmentor: VolumeSegmentor, kept: KeptSegmentations) -> None:
        self.segmentor = segmentor
        self.kept = kept

    def __call__(self, image: Volume) -> Segmentation:
        """The kept segmentation, or a new one.

        Raises:
            OutputError: the result cannot be kept.
        """
        affine = None if self.segmentor.config.is_on_the_image_grid else image.header.affine
        segmentation = self.kept.get(image.array, affine)
        if segmentation is None:
            segmentation = self.segmentor(image)
            self.kept.put(image.array, segmentation, affine)
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
        for warning in require_same_grid(image.header, stored.header):
            log.warning("%s", warning)
        return self._from_labels(path) if stored.shape[3] == 1 else self._from_probabilities(path, stored)

    def _from_labels(self, path: Path) -> Segmentation:
        labels = read_labels(path).array
        indices = np.searchsorted(self.regions, labels).clip(max=len(self.regions) - 1)
        unknown = np.unique(labels[self.regions[indices] != labels])
        if unknown.size:
            raise BadLabels(
                "unknown labels in the segmentation",
                where=path,
                expected=f"the labels {self.regions.tolist()} of the weights",
                got=f"[{first_few(unknown.tolist())}]",
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


class SideCheckedMasks:
    """A source of segmentations, looked through for exchanged sides.

    Args:
        masks: the source.
        regions: label value of each region index.
        names: of the labels but background.
    """

    def __init__(self, masks: Masks, regions: Sequence[int], names: Mapping[int, str]) -> None:
        self.masks = masks
        # The smallest type: with it a volume of label values is looked up, a byte a voxel.
        self.regions = np.array(regions, np.min_scalar_type(max(regions)))
        self.check = SideCheck(names)

    def __call__(self, image: Volume) -> Segmentation:
        """The source's segmentation; the first with exchanged sides is logged."""
        found = self.masks(image)
        header = image.header
        if not self.check.settled:
            self.check(self.regions[found.labels], header.affine, f"segmentation of {header.path.name}")
        return found


def background_everywhere(image: Volume) -> Segmentation:
    """What is known of an image of a task without labels: all is background, for certain."""
    return Segmentation(np.zeros(image.array.shape, np.uint8), np.ones(image.array.shape, np.float16))


def segmentation_file(folder: Path, image: Path) -> Path:
    """The user's own segmentation of `image`.

    Raises:
        MissingVolume: there is none.
    """
    path = folder / image.name
    if not is_regular(path):
        raise MissingVolume("no segmentation of the image", where=path)
    return path
