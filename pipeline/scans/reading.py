"""What is known of two scans, read and checked: images, label maps, and a mask."""

from dataclasses import dataclass, replace

import numpy as np

from pairs.errors import BadLabels
from pairs.images.given import Source, header_from, image_from, labels_from
from pairs.images.grid import require_same_grid
from pairs.images.header import Header
from pairs.images.relation import Relation, relation_of
from pairs.images.volume import Volume
from pipeline.registration.preprocess import require_content
from pipeline.scans.labels import shared_labels

__all__ = ["ScanHeaders", "ScanInputs", "Scans", "read_headers", "read_mask", "read_scans"]


@dataclass(frozen=True, eq=False)
class ScanInputs:
    """What the user gives: files, or volumes in memory.

    Attributes:
        fixed: The fixed image.
        moving: The moving image.
        fixed_regions: Label map on the fixed grid.
        moving_regions: Label map on the moving grid.
        mask: Mask on the fixed grid, not 0 where the images are to be compared.
    """

    fixed: Source
    moving: Source
    fixed_regions: Source | None = None
    moving_regions: Source | None = None
    mask: Source | None = None


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


def read_headers(inputs: ScanInputs) -> ScanHeaders:
    """Reads every header and no voxel: what cannot be registered costs nothing.

    Raises:
        VolumeError: If a file is no 3D volume that can be used.
        GridMismatch: If a label map or the mask is on another grid than its image.
    """
    fixed, moving = header_from(inputs.fixed), header_from(inputs.moving)
    beside = ((fixed, inputs.fixed_regions), (moving, inputs.moving_regions), (fixed, inputs.mask))
    warnings: list[str] = []
    for image, source in beside:
        if source is not None:
            warnings += require_same_grid(image, header_from(source))
    relation = relation_of(fixed, moving)
    return ScanHeaders(fixed, moving, relation, (*warnings, *relation.warnings))


def read_scans(inputs: ScanInputs, headers: ScanHeaders, mask: np.ndarray | None) -> Scans:
    """Reads the voxels.

    Args:
        inputs: What was given.
        headers: What `read_headers` says of them.
        mask: What `read_mask` reads.

    Raises:
        VolumeError: If a file is damaged, an image is constant, or most of it is not finite.
        BadLabels: If a label map holds other values than whole numbers, or the two have no label in common.
    """
    relation, warnings = headers.relation, list(headers.warnings)
    fixed, moving = _image(inputs.fixed, relation.fixed), _image(inputs.moving, relation.moving)
    if np.array_equal(fixed.array, moving.array) and np.array_equal(relation.to_moving_voxels(), np.eye(4)):
        warnings.append("fixed and moving image are the same")
    fixed_labels, moving_labels = (
        None if source is None else labels_from(source)
        for source in (inputs.fixed_regions, inputs.moving_regions)
    )
    if fixed_labels is not None and moving_labels is not None:
        fixed_labels, moving_labels, left_out = shared_labels(fixed_labels, moving_labels)
        warnings += left_out
    for volume in (fixed, moving, fixed_labels, moving_labels):
        if volume is not None:
            warnings += [f"{volume.header.path.name}: {text}" for text in volume.header.warnings]
    return Scans(fixed, moving, relation, headers.fixed, fixed_labels, moving_labels, mask, tuple(warnings))


def read_mask(source: Source) -> np.ndarray:
    """Reads a mask: True where it is not 0.

    Raises:
        VolumeError: If the file is damaged.
        BadLabels: If it holds other values than whole numbers, or 0 alone.
    """
    labels = labels_from(source)
    mask: np.ndarray = labels.array != 0
    if not mask.any():
        where, expected = labels.header.path, "voxels that are not 0"
        raise BadLabels("the mask is empty", where=where, expected=expected, got="0 everywhere")
    return mask


def _image(source: Source, related: Header) -> Volume:
    """An image in the space that the relation puts it into."""
    volume = image_from(source)
    require_content(volume)
    return Volume(replace(volume.header, affine=related.affine), volume.array)
