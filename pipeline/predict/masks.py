"""Where the fixed image's regions come from: the bundle's segmentor, or the user's own files."""

import logging
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from zipfile import BadZipFile

import numpy as np
import torch

from pairs.errors import BadLabels, CorruptVolume, MissingVolume, VolumeError
from pairs.volume import Volume, read_labels, read_probabilities, require_same_grid
from pairs.wholefile import whole_file
from pipeline.bundle import file_hash
from pipeline.config import IntensityConfig
from pipeline.preprocess import normalise
from pipeline.segment.segmentor import Segmentation, Segmentor, segmentation_of

__all__ = ["FileMasks", "Masks", "SegmentorMasks"]

log = logging.getLogger(__name__)


class Masks(Protocol):
    """A source of segmentations."""

    def fingerprint(self, image: Path) -> str:
        """Names what the segmentation of `image` depends on besides the image."""
        ...

    def __call__(self, image: Volume) -> Segmentation:
        """The segmentation of `image`, on its grid."""
        ...


class SegmentorMasks:
    """The bundle's segmentor, each image once: results are kept in a folder under a hash of the content.

    Args:
        segmentor: the network.
        intensity: how its inputs are scaled.
        weights_sha256: the bundle's hash; other weights never reuse a result.
        folder: where results are kept.
    """

    def __init__(
        self, segmentor: Segmentor, intensity: IntensityConfig, weights_sha256: str, folder: Path
    ) -> None:
        self.segmentor = segmentor
        self.intensity = intensity
        self.weights_sha256 = weights_sha256
        self.folder = folder

    def fingerprint(self, image: Path) -> str:
        """The weights alone."""
        return self.weights_sha256

    def __call__(self, image: Volume) -> Segmentation:
        """The kept segmentation, or a new one.

        Raises:
            OutputError: the result cannot be kept.
        """
        key = sha256(image.array.tobytes() + self.weights_sha256.encode()).hexdigest()
        path = self.folder / f"{key[:32]}.npz"
        kept = _read_kept(path, image.array.shape)
        if kept is not None:
            return kept
        segmentation = self.segmentor(normalise(image.array, self.intensity))
        if not segmentation.labels.any():
            log.warning("no region found in %s: the background filter alone is used", image.header.path.name)
        with whole_file(path) as temporary:
            np.savez_compressed(temporary, labels=segmentation.labels, confidence=segmentation.confidence)
        return segmentation


class FileMasks:
    """The user's own label maps (X, Y, Z) or probabilities (X, Y, Z, N), named as the images.

    Args:
        folder: where they lie.
        regions: label value of each region index; the N probabilities are in this order.
    """

    def __init__(self, folder: Path, regions: Sequence[int]) -> None:
        self.folder = folder
        self.regions = np.asarray(regions)

    def fingerprint(self, image: Path) -> str:
        """The content of the file for `image`.

        Raises:
            MissingVolume: there is none.
        """
        return file_hash(self._path(image))

    def __call__(self, image: Volume) -> Segmentation:
        """The file's segmentation; a label map alone counts as certain, p = 1.

        Raises:
            VolumeError: unreadable, on another grid, of an unknown label or another number of regions.
        """
        path = self._path(image.header.path)
        try:
            labels = read_labels(path)
        except (MissingVolume, CorruptVolume, BadLabels):
            raise
        except VolumeError:  # not three-dimensional
            return self._from_probabilities(path, image)
        require_same_grid(image.header, labels.header)
        indices = np.searchsorted(self.regions, labels.array).clip(max=len(self.regions) - 1)
        unknown = np.unique(labels.array[self.regions[indices] != labels.array])
        if unknown.size:
            raise BadLabels(
                "unknown labels in the segmentation", where=path, expected=self.regions, got=unknown
            )
        return Segmentation(indices.astype(np.uint8), np.ones(labels.array.shape, np.float16))

    def _from_probabilities(self, path: Path, image: Volume) -> Segmentation:
        probabilities = read_probabilities(path)
        expected = (*image.array.shape, len(self.regions))
        if probabilities.shape != expected:
            raise BadLabels("probabilities", where=path, expected=expected, got=probabilities.shape)
        return segmentation_of(torch.from_numpy(probabilities).movedim(-1, 0))

    def _path(self, image: Path) -> Path:
        path = self.folder / image.name
        if not path.is_file():
            raise MissingVolume("no segmentation for the fixed image", where=path)
        return path


def _read_kept(path: Path, shape: tuple[int, ...]) -> Segmentation | None:
    """A kept result, or None where there is none or it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            segmentation = Segmentation(file["labels"], file["confidence"])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return segmentation if segmentation.labels.shape == shape else None
