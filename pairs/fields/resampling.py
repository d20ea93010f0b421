"""The hosts' own upsampling of half-grid displacements as matrices, and their least-squares inverses.

Both upsamplings are linear and separable: one (2n, n) matrix multiplies the half-grid field along each axis.
The half-grid field whose upsampling comes closest to a full-grid field, in the sum of squares, is therefore
that field multiplied by the pseudo-inverse of each axis matrix. Values are voxels of the full grid on both
sides: nothing is scaled.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import spline_filter, zoom
from threadpoolctl import ThreadpoolController

__all__ = [
    "Upsampling",
    "downsample",
    "fill_upsampled",
    "one_blas_thread",
    "round_trip_matrix",
    "spline_coefficients",
    "upsample",
    "upsampling_matrix",
]

Upsampling = Literal["zoom2", "trilinear"]

Field = NDArray[np.float32]
Matrix = NDArray[np.float32]
Taps = tuple[NDArray[np.intp], NDArray[np.float64]]

_BLAS_LOCK = threading.RLock()


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


def round_trip_matrix(upsampling: Upsampling, side: int) -> NDArray[np.float64]:
    """Returns the (side, side) matrix by which storing on the half grid changes a full-grid axis.

    It is a projection: what `downsample` stores and the host upsamples, rounding of the stored numbers apart.

    Args:
        upsampling: The host's rule.
        side: Number of samples of the full grid along the axis, even.
    """
    matrix = upsampling_matrix(upsampling, side // 2)
    with one_blas_thread():
        projection: NDArray[np.float64] = matrix @ np.linalg.pinv(matrix)
    return projection


def upsample(half: NDArray[Any], upsampling: Upsampling) -> Field:
    """Upsamples (x, y, z, 3) to (2x, 2y, 2z, 3) as the host does.

    The few samples that each value depends on are added up along one axis after the other, which takes a
    tenth of the time of scipy's zoom. Sums are float64 and rounded once at the end: for `zoom2` that agrees
    with the host to the last place of float32, and `pairs.fields.zooming` removes what is left.

    Returns:
        float32; the memory is ordered component by component, so that `[..., i]` is contiguous.
    """
    full = np.empty((3, *(2 * side for side in half.shape[:3])), dtype=np.float32)
    for component, target in enumerate(full):
        values: NDArray[Any] = half[..., component].astype(np.float32)
        if upsampling == "zoom2":
            values = spline_coefficients(values)
        fill_upsampled(values, upsampling, target)
    return np.moveaxis(full, 0, -1)


def spline_coefficients(half: Field) -> NDArray[np.float64]:
    """The coefficients of the spline that scipy's zoom of order 2 evaluates for one component."""
    coefficients: NDArray[np.float64] = spline_filter(half, order=2, output=np.float64, mode="constant")
    return coefficients


def fill_upsampled(values: NDArray[Any], upsampling: Upsampling, target: Field) -> None:
    """Upsamples one component (x, y, z), for `zoom2` given by its coefficients, into (2x, 2y, 2z)."""
    (x_samples, x_weights), in_y, in_z = (_taps(upsampling, side) for side in values.shape)
    # Planes are upsampled when first needed and dropped when passed: few enough for the processor's cache.
    planes: dict[int, NDArray[np.float64]] = {}
    for result, samples, weights in zip(target, x_samples.T.tolist(), x_weights.T, strict=True):
        planes = {at: plane for at, plane in planes.items() if at >= min(samples)}
        for at in samples:
            if at not in planes:
                planes[at] = _upsampled_plane(values[at], in_y, in_z)
        result[:] = _weighted_sum((planes[at] for at in samples), weights)


def _upsampled_plane(plane: NDArray[Any], in_y: Taps, in_z: Taps) -> NDArray[np.float64]:
    along_z = _weighted_sum((plane.take(at, axis=1) for at in in_z[0]), in_z[1])
    return _weighted_sum((along_z.take(at, axis=0) for at in in_y[0]), in_y[1][..., None])


def _weighted_sum(parts: Iterable[NDArray[Any]], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    products = (part * weight for part, weight in zip(parts, weights, strict=True))
    total: NDArray[np.float64] = next(products)
    for product in products:
        total += product
    return total


@lru_cache(maxsize=64)
def _taps(upsampling: Upsampling, side: int) -> Taps:
    """Which samples or coefficients make each of the 2 `side` values, and their weights: (taps, 2 side)."""
    if upsampling == "trilinear":
        # align_corners=False: output i sits at input (i + 0.5) / 2 - 0.5, clamped to the samples that exist.
        position = np.clip((np.arange(2 * side) + 0.5) / 2 - 0.5, 0, side - 1)
        lower = np.floor(position).astype(int)
        share = position - lower
        return np.stack([lower, np.minimum(lower + 1, side - 1)]), np.stack([1 - share, share])
    place = np.arange(2 * side) * ((side - 1) / (2 * side - 1))
    middle = np.floor(place + 0.5).astype(int)
    offset = place - middle
    samples = np.abs(np.stack([middle - 1, middle, middle + 1]))
    # Mirrored at both ends, without repeating the end.
    samples = np.where(samples > side - 1, np.maximum(2 * (side - 1) - samples, 0), samples)
    weights = np.stack([0.5 * (0.5 - offset) ** 2, 0.75 - offset**2, 0.5 * (0.5 + offset) ** 2])
    return samples, weights


def downsample(full: NDArray[Any], upsampling: Upsampling) -> Field:
    """Returns the half-grid field that upsamples closest to `full`, (X, Y, Z, 3) of even sides.

    A constant field stays constant up to float32 rounding.
    """
    result: Field = full.astype(np.float32, copy=False)
    with one_blas_thread():
        for axis in range(3):
            inverse = _inverse_matrix(upsampling, result.shape[axis] // 2)
            result = np.moveaxis(np.tensordot(inverse, result, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(result)


def _zoom2_matrix(side: int) -> NDArray[np.float64]:
    # One unit vector at a time: zooming the identity would resample its second axis as well.
    return np.stack([zoom(unit, 2, order=2) for unit in np.eye(side)], axis=1)


def _trilinear_matrix(side: int) -> NDArray[np.float64]:
    matrix = np.zeros((2 * side, side))
    for samples, weights in zip(*_taps("trilinear", side), strict=True):
        np.add.at(matrix, (np.arange(2 * side), samples), weights)
    return matrix


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Makes products of matrices the same to the last bit whatever number of threads BLAS was given.

    On processors without AVX-512 OpenBLAS divides a product among its threads in a way that changes the sums.
    The setting is the process's own, so only one caller at a time may change it and put it back.
    """
    with _BLAS_LOCK, _blas().limit(limits=1, user_api="blas"):
        yield


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    # Looking through the loaded libraries takes milliseconds, once.
    return ThreadpoolController()


@lru_cache(maxsize=64)
def _inverse_matrix(upsampling: Upsampling, side: int) -> Matrix:
    return np.asarray(np.linalg.pinv(upsampling_matrix(upsampling, side)), dtype=np.float32)
