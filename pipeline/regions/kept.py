"""Segmentations kept on disk under a hash of what they were made from, so each image is segmented once."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from pairs.errors import CorruptVolume, OutputError
from pairs.fields.npzfile import read_npz_arrays
from pairs.files.damage import damage_reported
from pairs.files.wholefile import whole_file
from pipeline.machine.stopping import uninterrupted
from pipeline.programversion import program_version
from pipeline.regions.segmentor import Segmentation

__all__ = ["CACHE_NAME", "KeptSegmentations", "refuse_link"]

CACHE_NAME = ".segmentations"
"""Folder of the segmentations beside the outputs that they serve."""

# Of one voxel: region and confidence.
_VOXEL_BYTES = 3

log = logging.getLogger(__name__)


def refuse_link(folder: Path) -> None:
    """Refuse a symlink in the folder's place: segmentations would be written, and swept, where it points to.

    Raises:
        OutputError: it is one.
    """
    if folder.is_symlink():
        raise OutputError(
            "the folder of kept segmentations is a symlink",
            where=folder,
            expected="a folder, or nothing",
            got=f"a link to {folder.readlink()}",
            remedy="remove the link",
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
        path = self._path(image, affine)
        if not path.is_symlink() and not path.exists():
            return None
        try:
            with damage_reported(path, "kept segmentation", CorruptVolume):
                arrays = read_npz_arrays(path, _VOXEL_BYTES * image.size)
                return replace(self._sound(arrays, image.shape), kept_as=path.name)
        except CorruptVolume as error:
            log.warning("%s; the image is segmented again", error)
            return None

    def put(
        self, image: np.ndarray, segmentation: Segmentation, affine: np.ndarray | None = None
    ) -> Segmentation:
        """Keep the segmentation of an image, and return it with the name of its file; see `get`.

        Raises:
            OutputError: it cannot be written.
        """
        path = self._path(image, affine)
        with uninterrupted(), whole_file(path) as temporary:
            np.savez_compressed(temporary, labels=segmentation.labels, confidence=segmentation.confidence)
        return replace(segmentation, kept_as=path.name)

    def _path(self, image: np.ndarray, affine: np.ndarray | None) -> Path:
        place = "" if affine is None else f" {affine.tolist()}"
        version = program_version()
        digest = sha256(f"{version} {self.made_by} {image.shape} {image.dtype}{place}\n".encode())
        digest.update(np.ascontiguousarray(image).data.cast("B"))
        return self.folder / f"{digest.hexdigest()[:32]}.npz"

    def _sound(self, arrays: Mapping[str, np.ndarray], shape: tuple[int, ...]) -> Segmentation:
        """The segmentation in the arrays; a ValueError if they are not what `put` writes for this shape."""
        forms = {name: (array.shape, array.dtype) for name, array in arrays.items()}
        if forms != {"labels": (shape, np.uint8), "confidence": (shape, np.float16)}:
            raise ValueError(f"arrays {forms}")
        kept = Segmentation(arrays["labels"], arrays["confidence"])
        if int(kept.labels.max()) >= self.regions or not np.isfinite(kept.confidence).all():
            raise ValueError("unknown regions, or a confidence that is not finite")
        return kept
