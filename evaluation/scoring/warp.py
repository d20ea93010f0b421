"""Warping of volumes as the challenge host does it."""

from collections import deque
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from evaluation.metrics.spread import Spread, in_turn, slabs

__all__ = ["warp_image", "warp_labels"]

_T = TypeVar("_T", bound=np.generic)

# Planes along the first axis that are warped at once. Only the coordinates of one slab exist at a time,
# which keeps a 192x160x256 pair at tens of MiB instead of the 190 MiB of a whole float64 coordinate grid.
_IMAGE_PLANES = 16
# Fewer where each step is a pass over the slab, which then stays in the processor's cache.
_LABEL_PLANES = 2


def _moved(displacement: NDArray[np.float32], slab: slice, axis: int) -> NDArray[np.float64]:
    """Positions p + u(p) along one axis, shape (planes, Y, Z), for the planes of a slab."""
    component = displacement[slab][..., axis]
    start = slab.start if axis == 0 else 0
    positions = np.arange(start, start + component.shape[axis], dtype=np.float64)
    # In float64, as the host adds: float32 would round some positions to a tie or onto the border.
    shape = [-1 if i == axis else 1 for i in range(3)]
    return np.add(component, positions.reshape(shape), dtype=np.float64)


def _nearest(
    displacement: NDArray[np.float32], slab: slice, sides: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Returns, for a slab, the flat index of the voxel nearest to p + u(p), and whether that is outside."""
    shape = displacement[slab].shape[:3]
    index = np.zeros(shape, dtype=np.int64)
    outside = np.zeros(shape, dtype=bool)
    for axis, side in enumerate(sides):
        moved = _moved(displacement, slab, axis)
        outside |= ~((moved >= 0) & (moved <= side - 1))
        moved += 0.5
        # What does not fit into an integer is outside.
        with np.errstate(invalid="ignore"):
            nearest = moved.astype(np.int64)
        index *= side
        index += nearest
    return index, outside


def warp_labels(
    moving: NDArray[_T], displacement: NDArray[np.float32], *, spread: Spread = in_turn
) -> NDArray[_T]:
    """Warps a label map with the nearest neighbour: warped(p) = moving(p + u(p)).

    A position outside [0, n - 1], by however little, gives background. Ties round up.
    The labels are those of `map_coordinates` of order 0, in a third of its time.

    Args:
        moving: Label map (X, Y, Z) of integers.
        displacement: u, shape (X, Y, Z, 3), voxels of the fixed grid.
        spread: How the slabs of the volume are processed.

    Returns:
        The label map on the fixed grid, dtype of `moving`.
    """
    labels = np.ascontiguousarray(moving).reshape(-1)
    warped = np.empty(displacement.shape[:3], dtype=moving.dtype)

    def fill(slab: slice) -> None:
        index, outside = _nearest(displacement, slab, moving.shape)
        # Clipped, because the index of a position outside is no index at all.
        taken = labels.take(index, mode="clip")
        taken[outside] = 0
        warped[slab] = taken

    deque(spread(fill, slabs(len(warped), _LABEL_PLANES)), maxlen=0)
    return warped


def warp_image(moving: NDArray[np.float32], displacement: NDArray[np.float32]) -> NDArray[np.float32]:
    """Warps an image (X, Y, Z) linearly, zero outside; for the rest as `warp_labels`."""
    warped = np.empty(displacement.shape[:3], dtype=moving.dtype)
    for slab in slabs(len(warped), _IMAGE_PLANES):
        positions = np.stack([_moved(displacement, slab, axis) for axis in range(3)])
        ndimage.map_coordinates(moving, positions, output=warped[slab], order=1, mode="constant", cval=0.0)
    return warped
