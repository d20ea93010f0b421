"""The hosts' own upsampling of half-grid displacements as matrices, and their least-squares inverses.

Both upsamplings are linear and separable: one (2n, n) matrix multiplies the half-grid field along each axis.
The half-grid field whose upsampling comes closest to a full-grid field, in the sum of squares, is therefore
that field multiplied by the pseudo-inverse of each axis matrix. Values are voxels of the full grid on both
sides: nothing is scaled (facts/learn2reg.md 2.2, 2.4).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

__all__ = ["Upsampling", "downsample", "upsample", "upsampling_matrix", "zoom2"]

Upsampling = Literal["zoom2", "trilinear"]

Field = NDArray[np.float32]
Matrix = NDArray[np.float32]


def zoom2(field: Field) -> Field:
    """Upsamples one component (x, y, z) exactly as the 2021 host does: `zoom(c, 2, order=2)` of float32."""
    return np.asarray(zoom(field.astype(np.float32, copy=False), 2, order=2), dtype=np.float32)


@lru_cache(maxsize=64)
def upsampling_matrix(upsampling: Upsampling, side: int) -> NDArray[np.float64]:
    """Returns the (2 side, side) matrix that the host applies along one axis of a half-grid field.

    Args:
        upsampling: The host's rule.
        side: Number of samples n of the half grid along the axis, at least 1.

    Returns:
        A read-only float64 matrix with rows that add up to 1.
    """
    build = _zoom2_matrix if upsampling == "zoom2" else _trilinear_matrix
    matrix = build(side)
    matrix.flags.writeable = False
    return matrix


def upsample(half: NDArray[Any], upsampling: Upsampling) -> Field:
    """Upsamples (x, y, z, 3) to (2x, 2y, 2z, 3) float32 with the axis matrices.

    For `zoom2` this agrees with scipy's own zoom to float32 rounding and is about fifteen times faster.
    """
    return _along_each_axis(half, lambda side: _float32_matrix(upsampling, side))


def downsample(full: NDArray[Any], upsampling: Upsampling) -> Field:
    """Returns the half-grid field that upsamples closest to `full`, (X, Y, Z, 3) of even sides.

    A constant field stays constant up to float32 rounding.
    """
    return _along_each_axis(full, lambda side: _inverse_matrix(upsampling, side // 2))


def _zoom2_matrix(side: int) -> NDArray[np.float64]:
    # One unit vector at a time: zooming the identity would resample its second axis as well.
    return np.stack([zoom(unit, 2, order=2) for unit in np.eye(side)], axis=1)


def _trilinear_matrix(side: int) -> NDArray[np.float64]:
    # align_corners=False: output i sits at input (i + 0.5) / 2 - 0.5, clamped to the samples that exist.
    position = np.clip((np.arange(2 * side) + 0.5) / 2 - 0.5, 0, side - 1)
    lower = np.floor(position).astype(int)
    upper = np.minimum(lower + 1, side - 1)
    matrix = np.zeros((2 * side, side))
    rows = np.arange(2 * side)
    np.add.at(matrix, (rows, lower), 1 - (position - lower))
    np.add.at(matrix, (rows, upper), position - lower)
    return matrix


@lru_cache(maxsize=64)
def _float32_matrix(upsampling: Upsampling, side: int) -> Matrix:
    return upsampling_matrix(upsampling, side).astype(np.float32)


@lru_cache(maxsize=64)
def _inverse_matrix(upsampling: Upsampling, side: int) -> Matrix:
    return np.asarray(np.linalg.pinv(upsampling_matrix(upsampling, side)), dtype=np.float32)


def _along_each_axis(field: NDArray[Any], matrix_for: Callable[[int], Matrix]) -> Field:
    result: Field = field.astype(np.float32, copy=False)
    for axis in range(3):
        product = np.tensordot(matrix_for(result.shape[axis]), result, axes=(1, axis))
        result = np.moveaxis(product, 0, axis)
    return np.ascontiguousarray(result)
