"""The files of two scans, read and checked: images, label maps, and a mask."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pairs.errors import BadLabels
from pairs.images.grid import require_same_grid
from pairs.images.header import Header, read_header
from pairs.images.relation import Relation, relation_of
from pairs.images.volume import Volume, read_image, read_labels
from pipeline.registration.preprocess import require_content
from pipeline.scans.labels import shared_labels

__all__ = ["ScanFiles", "ScanHeaders", "Scans", "read_headers", "read_mask", "read_scans"]


@dataclass(frozen=True)
class ScanFiles:
    """What the user names.

    Attributes:
        fixed: The fixed image.
        moving: The moving image.
        fixed_regions: Label map on the fixed grid.
        moving_regions: Label map on the moving grid.
        mask: Mask on the fixed grid, not 0 where the images are to be compared.
    """

    fixed: Path
    moving: Path
    fixed_regions: Path | None = None
    moving_regions: Path | None = None
    mask: Path | None = None

    def __iter__(self) -> Iterator[Path]:
        """All files that are named."""
        named = (self.fixed, self.moving, self.fixed_regions, self.moving_regions, self.mask)
        yield from (path for path in named if path is not None)


@dataclass(frozen=True, eq=False)
class ScanHeaders:
    """What the headers say.

    Attributes:
        fixed: Header of the fixed image as its file has it.
        moving: Header of the moving image.
        relation: How the two grids lie to each other.
        warnings: One sentence for each oddity.
    """

    fixed: Header
    moving: Header
    relation: Relation
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Scans:
    """Two scans in memory.

    Attributes:
        fixed: The fixed image, with the affine that the relation uses.
        moving: The moving image.
        relation: How the two grids lie to each other.
        grid: Header of the fixed image as its file has it, for the files that are written on its grid.
        fixed_labels: Labels (X, Y, Z) of the fixed image; those that the moving one lacks are 0. None where
            no label map was given.
        moving_labels: The same of the moving image, on its own grid.
        mask: Booleans (X, Y, Z) on the fixed grid; None where no mask was given.
        warnings: One sentence for each oddity.
    """

    fixed: Volume
    moving: Volume
    relation: Relation
    grid: Header
    fixed_labels: Volume | None
    moving_labels: Volume | None
    mask: np.ndarray | None
    warnings: tuple[str, ...]


def read_headers(files: ScanFiles) -> ScanHeaders:
    """Reads every header and no voxel: what cannot be registered costs nothing.

    Raises:
        VolumeError: If a file is no 3D volume that can be used.
        GridMismatch: If a label map or the mask is on another grid than its image.
    """
    fixed, moving = read_header(files.fixed), read_header(files.moving)
    beside = ((fixed, files.fixed_regions), (moving, files.moving_regions), (fixed, files.mask))
    warnings: list[str] = []
    for image, path in beside:
        if path is not None:
            warnings += require_same_grid(image, read_header(path))
    relation = relation_of(fixed, moving)
    return ScanHeaders(fixed, moving, relation, (*warnings, *relation.warnings))


def read_scans(files: ScanFiles, headers: ScanHeaders, mask: np.ndarray | None) -> Scans:
    """Reads the voxels.

    Args:
        files: The files.
        headers: What `read_headers` says of them.
        mask: What `read_mask` reads.

    Raises:
        VolumeError: If a file is damaged, an image is constant, or most of it is not finite.
        BadLabels: If a label map holds other values than whole numbers, or the two have no label in common.
    """
    relation, warnings = headers.relation, list(headers.warnings)
    fixed, moving = _image(files.fixed, relation.fixed), _image(files.moving, relation.moving)
    if np.array_equal(fixed.array, moving.array) and np.array_equal(relation.to_moving_voxels(), np.eye(4)):
        warnings.append("fixed and moving image are the same")
    fixed_labels, moving_labels = (
        None if path is None else read_labels(path) for path in (files.fixed_regions, files.moving_regions)
    )
    if fixed_labels is not None and moving_labels is not None:
        fixed_labels, moving_labels, left_out = shared_labels(fixed_labels, moving_labels)
        warnings += left_out
    for volume in (fixed, moving, fixed_labels, moving_labels):
        if volume is not None:
            warnings += [f"{volume.header.path.name}: {text}" for text in volume.header.warnings]
    return Scans(fixed, moving, relation, headers.fixed, fixed_labels, moving_labels, mask, tuple(warnings))


def read_mask(path: Path) -> np.ndarray:
    """Reads a mask: True where it is not 0.

    Raises:
        VolumeError: If the file is damaged.
        BadLabels: If it holds other values than whole numbers, or 0 alone.
    """
    mask: np.ndarray = read_labels(path).array != 0
    if not mask.any():
        raise BadLabels("the mask is empty", where=path, expected="voxels that are not 0", got="0 everywhere")
    return mask


def _image(path: Path, related: Header) -> Volume:
    """An image in the space that the relation puts it into."""
    volume = read_image(path)
    require_content(volume)
    return Volume(replace(volume.header, affine=related.affine), volume.array)
