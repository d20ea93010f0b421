"""Segmentations kept on disk under a hash of what they were made from, so each image is segmented once."""

import zlib
from hashlib import sha256
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from pairs.wholefile import whole_file
from pipeline.programversion import program_version
from pipeline.segment.segmentor import Segmentation
from pipeline.stopping import uninterrupted

__all__ = ["CACHE_NAME", "KeptSegmentations"]

CACHE_NAME = ".segmentations"
"""Folder of the segmentations beside the outputs that they serve."""

_DAMAGED = (
    BadZipFile,
    zlib.error,
    EOFError,
    # No such file, or a disk that fails.
    OSError,
    # A member that is missing, a pickle, a header that is none, a size beyond memory.
    KeyError,
    ValueError,
    MemoryError,
    # zipfile: members that are encrypted or compressed in a way it does not know.
    RuntimeError,
    # A bare array in place of an archive.
    TypeError,
)


class KeptSegmentations:
    """A folder of segmentations.

    Args:
        folder: where they lie; it exists.
        made_by: the weights, and the device, since devices round differently. The version of the program
            counts in any case.
        regions: number of regions.
    """

    def __init__(self, folder: Path, made_by: str, regions: int) -> None:
        self.folder = folder
        self.made_by = made_by
        self.regions = regions

    def get(self, image: np.ndarray, affine: np.ndarray | None = None) -> Segmentation | None:
        """The segmentation of an image with these voxels, None where there is none or it is damaged.

        Args:
            image: (X, Y, Z).
            affine: its affine, where the segmentor looks at it.
        """
        try:
            # Opened here, because numpy leaves a file open that is no whole archive.
            with self._path(image, affine).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                kept = Segmentation(file["labels"], file["confidence"])
        except _DAMAGED:
            return None
        return kept if self._is_sound(kept, image.shape) else None

    def put(self, image: np.ndarray, segmentation: Segmentation, affine: np.ndarray | None = None) -> None:
        """Keep the segmentation of an image; see `get`.

        Raises:
            OutputError: it cannot be written.
        """
        with uninterrupted(), whole_file(self._path(image, affine)) as temporary:
            np.savez_compressed(temporary, labels=segmentation.labels, confidence=segmentation.confidence)

    def _path(self, image: np.ndarray, affine: np.ndarray | None) -> Path:
        place = "" if affine is None else f" {affine.tolist()}"
        version = program_version()
        digest = sha256(f"{version} {self.made_by} {image.shape} {image.dtype}{place}\n".encode())
        digest.update(np.ascontiguousarray(image).data.cast("B"))
        return self.folder / f"{digest.hexdigest()[:32]}.npz"

    def _is_sound(self, kept: Segmentation, shape: tuple[int, ...]) -> bool:
        labels, confidence = kept.labels, kept.confidence
        return (
            labels.shape == confidence.shape == shape
            and (labels.dtype, confidence.dtype) == (np.uint8, np.float16)
            and int(labels.max()) < self.regions
            and bool(np.isfinite(confidence).all())
        )
