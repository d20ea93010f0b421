"""How the grids of two images lie to each other: by their affines, by voxel sizes, or centre on centre."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pairs.images.header import Header

__all__ = ["Matrix", "Relation", "relation_of"]

Matrix = NDArray[np.float64]
"""(4, 4); takes points, or voxel indices, to others."""

# Of the smaller field of view: below it, two images are no two views of one place.
_LEAST_OVERLAP = 0.03
# Of the fixed image: below it, most of what is registered has no counterpart.
_TOLD_OVERLAP = 0.5
_SAMPLES = 33
# What inverting affines leaves of zeros and ones; over a thousand voxels, a thousandth of one.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Relation:
    """Two grids, and the map between their spaces that a registration begins with.

    Attributes:
        fixed: The fixed grid; its affine takes voxels to the fixed image's space, RAS millimetres.
        moving: The moving grid, with the affine of the moving image's space.
        start: Points of the fixed image's space to points of the moving image's, (4, 4). The identity, unless
            the centres were put together.
        basis: `affines`: the headers place both images; `sizes`: one says no more than its voxel sizes, so
            its axes are taken to run like the other's and its centre to lie on the other's; `centres`: the
            headers place the images apart, so that the centres were put together.
        overlap: Shared part of the two fields of view as the headers place them, over the smaller of the two.
        centre_distance_mm: Between the two centres, as the headers place them.
        warnings: One sentence for each oddity.
    """

    fixed: Header
    moving: Header
    start: Matrix
    basis: Literal["affines", "sizes", "centres"]
    overlap: float
    centre_distance_mm: float
    warnings: tuple[str, ...]

    def to_moving_voxels(self, matrix: Matrix | None = None) -> Matrix:
        """Returns voxels of the fixed grid to voxels of the moving one.

        Args:
            matrix: The map between the spaces; None is that of the headers, which the stored displacement is
                measured from (docs/conventions.md).
        """
        return _between(self.fixed, self.moving, matrix)

    def within_fixed_voxels(self, matrix: Matrix) -> Matrix:
        """Returns a map between the spaces as one of fixed voxels, the two spaces laid on each other."""
        return _between(self.fixed, self.fixed, matrix)


def relation_of(fixed: Header, moving: Header) -> Relation:
    """Relates two grids.

    Args:
        fixed: Header of the fixed image, of any shape, spacing and orientation.
        moving: Header of the moving image.
    """
    warnings: list[str] = []
    basis: Literal["affines", "sizes", "centres"] = "affines"
    if not (fixed.placed and moving.placed):
        basis = "sizes"
        unplaced, other = (fixed, moving) if moving.placed else (moving, fixed)
        warnings.append(_sizes_warning(unplaced, other))
        placed = replace(unplaced, affine=_laid_on(unplaced, other))
        fixed, moving = (placed, other) if unplaced is fixed else (other, placed)
    shift = _centre(moving) - _centre(fixed)
    of_fixed, of_moving = _share_within(fixed, moving), _share_within(moving, fixed)
    overlap, distance_mm, start = max(of_fixed, of_moving), float(np.linalg.norm(shift)), np.eye(4)
    if overlap < _LEAST_OVERLAP:
        basis = "centres"
        start[:3, 3] = shift
        warnings.append(
            f"the headers place the two images apart (they share {overlap:.1%} of the smaller one, their "
            f"centres are {distance_mm:.0f} mm apart): the centres are put together"
        )
    elif of_fixed < _TOLD_OVERLAP:
        warnings.append(f"the moving image covers {of_fixed:.0%} of the fixed one only")
    return Relation(fixed, moving, start, basis, overlap, distance_mm, tuple(warnings))


def _sizes_warning(unplaced: Header, other: Header) -> str:
    names = unplaced.path.name if other.placed else f"{unplaced.path.name} and {other.path.name}"
    return (
        f"no orientation in {names}: related by voxel sizes alone, the array axes taken to run alike and the "
        "centres put together"
    )


def _laid_on(header: Header, other: Header) -> Matrix:
    """The affine of a grid whose axes run like those of another, centre on centre."""
    affine = np.eye(4)
    affine[:3, :3] = other.affine[:3, :3] / np.array(other.spacing_mm) * np.array(header.spacing_mm)
    affine[:3, 3] = _centre(other) - affine[:3, :3] @ _middle(header)
    return affine


def _middle(header: Header) -> Matrix:
    """The middle of a grid in its voxels."""
    middle: Matrix = (np.array(header.shape) - 1) / 2
    return middle


def _centre(header: Header) -> Matrix:
    """The middle of a grid in its space."""
    centre: Matrix = header.affine[:3, :3] @ _middle(header) + header.affine[:3, 3]
    return centre


def _between(here: Header, there: Header, matrix: Matrix | None) -> Matrix:
    """Voxels of one grid to voxels of another; entries a rounding error away from whole numbers are whole."""
    points = here.affine if matrix is None else matrix @ here.affine
    if matrix is None and here.shape == there.shape and np.array_equal(here.affine, there.affine):
        return np.eye(4)
    found: Matrix = np.linalg.solve(there.affine, points)
    whole = np.rint(found)
    # Without zeros that are negative.
    return np.where(np.abs(found - whole) < _ROUNDING, whole, found) + 0.0


def _share_within(header: Header, other: Header) -> float:
    """Returns how much of a grid lies within another, where the headers place them."""
    axes = (np.linspace(0, side - 1, min(side, _SAMPLES)) for side in header.shape)
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    matrix = _between(header, other, None)
    moved = points @ matrix[:3, :3].T + matrix[:3, 3]
    # A voxel reaches half its size around its centre.
    inside = (moved >= -0.5) & (moved <= np.array(other.shape) - 0.5)
    return float(inside.all(axis=1).mean())
