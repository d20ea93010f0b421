"""Displacements in millimetres between points in space, and their one conversion to voxels.

Registration tools say where a point of the fixed image lies in the moving image in millimetres:

    y = G(x + d(x)),   x = A_fixed p,   p + u(p) = A_moving^-1 y

with d the stored displacement, G an optional affine map that comes after it, and A the affines of the images.
The affines are those this project reads: the sform where a file has one, else the qform. Tools built on ITK
read the sform only where its code is 1 (scanner) or the qform is not set, and refuse or ignore one with shear
(seen with ITK 5.4); where both forms of an image differ, such a tool may have worked in another space.
"""

import itertools
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairs.errors import DisplacementError, NonFiniteDisplacement
from pairs.images.header import Header

__all__ = ["Matrix", "PhysicalField", "ras_affine", "to_voxels", "usable"]

_LOG = logging.getLogger(__name__)

Matrix = NDArray[np.float64]

# Both frames have their third axis towards the head; the first two are mirrored.
_FLIPS = np.array([-1.0, -1.0, 1.0])
_SAME_GRID_VOX = 1e-2
_MIN_VOLUME = 1e-6
_MIN_COVERED = 0.5
_COVERAGE_SAMPLES = 17
_SLAB_PLANES = 16


@dataclass(frozen=True, eq=False)
class PhysicalField:
    """A displacement as a tool stores it.

    Attributes:
        path: The file.
        displacement_mm: (x, y, z, 3) float32 on the field's own grid.
        frame: The directions that the components point to: ITK's left, posterior, superior or NIfTI's right,
            anterior, superior.
        affine: Voxel indices of the field's own grid to millimetres, (4, 4), always RAS.
        after: The affine map after it that the same file holds, (4, 4) in RAS; None for none.
    """

    path: Path
    displacement_mm: NDArray[np.float32]
    frame: Literal["lps", "ras"]
    affine: Matrix
    after: Matrix | None = None


def ras_affine(linear: Matrix, offset: Matrix, *, grid: bool) -> Matrix:
    """Returns the (4, 4) matrix in RAS of a linear part and an offset that are given in LPS.

    Args:
        linear: (3, 3).
        offset: (3,), millimetres.
        grid: Whether it maps voxel indices to points, which mirrors its result; a map of points to points is
            mirrored on both sides.
    """
    matrix = np.eye(4)
    matrix[:3, :3] = _FLIPS[:, None] * linear * (1.0 if grid else _FLIPS[None, :])
    matrix[:3, 3] = _FLIPS * offset
    return matrix


def usable(matrix: Matrix) -> Matrix:
    """Returns a (4, 4) matrix unless it is no invertible affine map.

    Raises:
        ValueError: If a number is not finite, the last row is not 0 0 0 1, or the axes are not independent.
    """
    linear = matrix[:3, :3]
    if np.isfinite(matrix).all() and np.allclose(matrix[3], (0, 0, 0, 1), rtol=0, atol=1e-6):
        lengths = np.linalg.norm(linear, axis=0)
        if lengths.min() > 0 and abs(np.linalg.det(linear / lengths)) > _MIN_VOLUME:
            return matrix
    raise ValueError(f"not an invertible affine map: {matrix.tolist()}")


def to_voxels(
    field: PhysicalField, fixed: Header, moving: Header, after: Matrix | None = None
) -> NDArray[np.float32]:
    """Converts a displacement in millimetres to u with warped(p) = moving(p + u(p)).

    A field on another grid than that of the fixed image is resampled linearly, with a warning. Outside its
    own grid it is zero, as in ITK's displacement field transform.

    Args:
        field: The displacement d.
        fixed: Grid of the fixed image.
        moving: Grid of the moving image; shape and affine may differ from the fixed ones.
        after: The affine map G that follows, (4, 4) in RAS millimetres; None for none.

    Returns:
        (X, Y, Z, 3) float32 on the grid of the fixed image; voxels of the moving grid, which are those of the
        fixed grid wherever both images share one.

    Raises:
        DisplacementError: If the field covers less than half of the fixed image.
        NonFiniteDisplacement: If a value does not fit into float32.
    """
    to_field = np.linalg.inv(field.affine) @ fixed.affine
    same_grid = _is_same_grid(field, fixed, to_field)
    if not same_grid:
        _tell_other_grid(field, fixed, to_field)
    to_moving = np.linalg.inv(moving.affine) @ (np.eye(4) if after is None else after)
    at_rest = to_moving @ fixed.affine - np.eye(4)
    per_mm = to_moving[:3, :3] * (_FLIPS if field.frame == "lps" else 1.0)
    result = np.empty((*fixed.shape, 3), dtype=np.float32)
    # A few planes at a time: float64 positions of a whole brain take as much memory as scoring it does.
    for start in range(0, fixed.shape[0], _SLAB_PLANES):
        planes = slice(start, min(start + _SLAB_PLANES, fixed.shape[0]))
        positions = _positions(fixed.shape, planes)
        shift_mm = (
            field.displacement_mm[planes] if same_grid else _sampled(field, _moved(to_field, positions))
        )
        with np.errstate(over="ignore"):
            result[planes] = _moved(at_rest, positions) + shift_mm @ per_mm.T
    if not np.isfinite(result).all():
        raise NonFiniteDisplacement("displacement does not fit into float32", where=field.path)
    return result


def _positions(shape: tuple[int, int, int], planes: slice) -> Matrix:
    """Voxel indices (planes, Y, Z, 3) of some planes of a grid."""
    ranges = (np.arange(planes.start, planes.stop), np.arange(shape[1]), np.arange(shape[2]))
    return np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).astype(np.float64)


def _moved(matrix: Matrix, points: Matrix) -> Matrix:
    moved: Matrix = points @ matrix[:3, :3].T + matrix[:3, 3]
    return moved


def _is_same_grid(field: PhysicalField, fixed: Header, to_field: Matrix) -> bool:
    if field.displacement_mm.shape[:3] != fixed.shape:
        return False
    corners = np.array(list(itertools.product(*((0.0, side - 1.0) for side in fixed.shape))))
    return bool(np.abs(_moved(to_field, corners) - corners).max() <= _SAME_GRID_VOX)


def _is_inside(points: Matrix, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    # ITK counts half a voxel around the outermost samples as inside.
    beyond = (points < -0.5) | (points > np.array(shape[:3]) - 0.5)
    return ~np.asarray(beyond.any(axis=-1))


def _tell_other_grid(field: PhysicalField, fixed: Header, to_field: Matrix) -> None:
    """Warns of a field on another grid, and refuses one that covers less than half of the fixed image."""
    axes = (np.linspace(0, side - 1, _COVERAGE_SAMPLES) for side in fixed.shape)
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    shape = field.displacement_mm.shape
    covered = float(_is_inside(_moved(to_field, points), shape).mean())
    if covered < _MIN_COVERED:
        raise DisplacementError(
            "displacement field lies elsewhere than the fixed image",
            where=field.path,
            expected=f"the grid of {fixed.path.name}, or one that covers at least {_MIN_COVERED:.0%} of it",
            got=f"shape {shape[:3]}, which covers about {covered:.0%}",
            remedy="give fields of this pair, made from images with these affines",
        )
    _LOG.warning(
        "%s is not on the grid of %s; resampled linearly, and zero outside the about %.0f %% that it covers",
        field.path,
        fixed.path.name,
        100 * covered,
    )


def _sampled(field: PhysicalField, points: Matrix) -> NDArray[Any]:
    """Reads the field at points (..., 3) of its own grid, in its voxels; zero outside."""
    coordinates = np.moveaxis(points, -1, 0)
    inside = _is_inside(points, field.displacement_mm.shape)
    return np.stack(
        [
            inside * ndimage.map_coordinates(component, coordinates, np.float64, order=1, mode="nearest")
            for component in np.moveaxis(field.displacement_mm, -1, 0)
        ],
        axis=-1,
    )
