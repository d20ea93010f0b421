"""Whether two volumes lie on one voxel grid: what is refused, and what is a warning."""

import itertools

import numpy as np

from pairs.errors import GridMismatch
from pairs.images.header import Header
from pairs.images.orientation import axis_letters

__all__ = ["affine_warnings", "orientation_warnings", "require_same_grid", "require_same_shape"]

# Entries of two affines that tools wrote from the same numbers differ by less.
_ROUNDING = 1e-3
_MAX_SHIFT_VOX = 0.5
# Cosine of 60 degrees: between two axes that run the same way even when a head is tilted.
_SAME_WAY = 0.5


def require_same_shape(header: Header, other: Header) -> None:
    """Refuses `other` unless it has the shape of `header`; where its voxels lie is free.

    Raises:
        GridMismatch: If the shapes differ.
    """
    if header.shape != other.shape:
        raise GridMismatch(
            f"shape differs from {header.path}", where=other.path, expected=header.shape, got=other.shape
        )


def affine_warnings(header: Header, other: Header) -> tuple[str, ...]:
    """Returns a sentence where the affines differ; for those who, as the hosts, compare voxels alone."""
    difference = float(np.abs(header.affine - other.affine).max())
    if difference <= _ROUNDING:
        return ()
    return (
        f"affine of {_place(other)} differs from {_place(header)} by up to {difference:.4g}; "
        "the voxels are compared one to one, as the hosts do",
    )


def require_same_grid(header: Header, other: Header) -> tuple[str, ...]:
    """Refuses `other` unless its voxels lie on those of `header`, up to half a voxel.

    Returns:
        A sentence where the affines differ by more than rounding.

    Raises:
        GridMismatch: If the shapes differ, or a corner lies more than half a voxel away.
    """
    require_same_shape(header, other)
    shift_vox = _largest_shift_vox(header, other)
    if shift_vox > _MAX_SHIFT_VOX:
        raise GridMismatch(
            f"affine differs from {header.path}",
            where=other.path,
            expected=f"voxels within {_MAX_SHIFT_VOX} voxels of each other",
            got=f"{shift_vox:.4g} voxels at a corner",
            remedy="resample one volume onto the grid of the other",
        )
    return affine_warnings(header, other)


def orientation_warnings(fixed: Header, moving: Header) -> tuple[str, ...]:
    """Returns a sentence where the array axes of two images run in different directions of the patient.

    A moving image that is stored mirrored, with an affine that says so, looks right in every viewer. The
    hosts ignore affines, so it is compared with the fixed image as it is stored.
    """
    directions = [one.affine[:3, :3] / np.array(one.spacing_mm) for one in (fixed, moving)]
    cosines = (directions[0] * directions[1]).sum(axis=0)
    if cosines.min() >= _SAME_WAY:
        return ()
    ways = [axis_letters(one.affine) for one in (fixed, moving)]
    return (
        f"the axes of {_place(moving)} run {ways[1]} and those of {_place(fixed)} {ways[0]}; hosts ignore "
        "affines and compare the arrays as they are stored: reorient the moving image unless that is meant",
    )


def _largest_shift_vox(header: Header, other: Header) -> float:
    """Returns how far a corner of `other` lies from the same corner of `header`, in voxels of `header`."""
    corners = np.array(
        [(*corner, 1) for corner in itertools.product(*((0, side - 1) for side in header.shape))]
    )
    moved = corners @ (np.linalg.inv(header.affine) @ other.affine).T
    return float(np.abs(moved - corners).max())


def _place(header: Header) -> str:
    """Names a file with its folder, since an image and its label map have one name."""
    return "/".join(header.path.parts[-2:])
