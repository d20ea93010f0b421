"""Distance from positions of a grid to the nearest marked one: exact, and quick where it is short."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from evaluation.metrics.elements import UNIT_SPACING, Spacing

__all__ = ["NearestMarked"]

# How far is looked at first, and at most before the Euclidean distance transform is quicker.
_FIRST_REACH_VOX = 6
_LAST_REACH_VOX = 40
# Beyond three squares of the last reach; the next one added does not overflow 16 bits.
_FAR = 2**14


class NearestMarked:
    """Squares of the distance to the nearest marked position of a grid.

    The square of a distance is a sum over the axes, so that the nearest marked position is found along one
    axis after the other. Two surfaces that are compared are a few voxels apart, and within such a reach this
    takes a few shifted copies of the volume, ten times less than the Euclidean distance transform of the
    whole volume. A result within the reach is exact: nothing beyond the reach could be nearer.
    """

    def __init__(self, marked: NDArray[np.bool_], spacing: Spacing) -> None:
        """Takes a grid with at least one marked position, and its voxel sizes."""
        self._marked = marked
        self._spacing = spacing
        self._reach = 0.0
        # Whole numbers are kept as small as they can be: more of them fit into one step of the processor.
        self._dtype = np.dtype(np.int16 if spacing == UNIT_SPACING else np.float64)
        self._far = _FAR if spacing == UNIT_SPACING else math.inf
        self._squares: NDArray[Any] | None = None

    def squares_at(self, positions: NDArray[np.intp]) -> NDArray[np.float64]:
        """Returns the square of the distance for flat positions of the grid, in the unit of the spacing."""
        voxel = max(self._spacing)
        reach = max(self._reach, _FIRST_REACH_VOX * voxel)
        while reach <= _LAST_REACH_VOX * voxel:
            found = self._within(reach)[positions]
            farthest = float(found.max())
            if farthest <= self._reach**2:
                return found.astype(np.float64)
            # What was found beyond the reach may not be the nearest, but the nearest is no farther.
            reach = math.sqrt(farthest) if farthest < self._far else 3 * self._reach
        return self._transformed(positions)

    def _within(self, reach: float) -> NDArray[Any]:
        """Squares for all positions, which are exact up to the square of `self._reach`."""
        if self._squares is None or self._reach < reach:
            self._reach = float(math.ceil(reach))
            squares = np.where(self._marked, 0, self._far).astype(self._dtype)
            for size in self._spacing:
                _take_over(squares, size, math.ceil(self._reach / size))
                # The next axis comes to the front, after three turns the first one again.
                squares = np.ascontiguousarray(np.moveaxis(squares, 0, -1))
            self._squares = squares.reshape(-1)
        return self._squares

    def _transformed(self, positions: NDArray[np.intp]) -> NDArray[np.float64]:
        nearest = ndimage.distance_transform_edt(
            ~self._marked, sampling=self._spacing, return_distances=False, return_indices=True
        )
        here = np.stack(np.unravel_index(positions, self._marked.shape))
        steps = (here - nearest.reshape(3, -1)[:, positions]) * np.array(self._spacing)[:, None]
        squares: NDArray[np.float64] = np.square(steps, out=steps).sum(axis=0)
        return squares


def _take_over(squares: NDArray[Any], size: float, steps: int) -> None:
    """Lets each position take over from those up to `steps` away along the first axis, adding the way."""
    source = squares.copy()
    for step in range(1, min(steps, len(source) - 1) + 1):
        added = source + squares.dtype.type((step * size) ** 2)
        np.minimum(squares[step:], added[:-step], out=squares[step:])
        np.minimum(squares[:-step], added[step:], out=squares[:-step])
