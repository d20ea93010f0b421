"""Warping of volumes as the challenge host does it."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["warp_image", "warp_labels"]

_T = TypeVar("_T", bound=np.generic)

# Planes along the first axis that are resampled in one go. Only the coordinates of one slab exist at a time,
# which keeps a 192x160x256 pair at tens of MiB instead of the 190 MiB of a whole float64 coordinate grid.
_SLAB_PLANES = 16


def _coordinates(displacement: NDArray[np.float32], start: int, stop: int) -> NDArray[np.float64]:
    """Absolute positions p + u(p), shape (3, planes, Y, Z), of the planes from `start` to `stop`."""
    positions = np.moveaxis(displacement[start:stop], -1, 0).astype(np.float64)
    _, planes, rows, columns = positions.shape
    positions[0] += np.arange(start, start + planes)[:, None, None]
    positions[1] += np.arange(rows)[None, :, None]
    positions[2] += np.arange(columns)[None, None, :]
    return positions


def _warp(moving: NDArray[_T], displacement: NDArray[np.float32], order: int) -> NDArray[_T]:
    warped = np.empty(displacement.shape[:3], dtype=moving.dtype)
    for start in range(0, warped.shape[0], _SLAB_PLANES):
        stop = start + _SLAB_PLANES
        ndimage.map_coordinates(
            moving,
            _coordinates(displacement, start, stop),
            output=warped[start:stop],
            order=order,
            mode="constant",
            cval=0.0,
        )
    return warped


def warp_labels(moving: NDArray[_T], displacement: NDArray[np.float32]) -> NDArray[_T]:
    """Warps a label map with the nearest neighbour: warped(p) = moving(p + u(p)).

    A position outside [0, n - 1], by however little, gives background. Ties round up
    (facts/learn2reg.md 3.2).

    Args:
        moving: Label map (X, Y, Z) of integers.
        displacement: u, shape (X, Y, Z, 3), voxels of the fixed grid.

    Returns:
        The label map on the fixed grid, dtype of `moving`.
    """
    return _warp(moving, displacement, 0)


def warp_image(moving: NDArray[np.float32], displacement: NDArray[np.float32]) -> NDArray[np.float32]:
    """Warps an image (X, Y, Z) linearly, zero outside; for the rest as `warp_labels`."""
    return _warp(moving, displacement, 1)
