"""A coarse lattice of a displacement: few points, enough to see whether a field does its work."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lattice", "Points", "sample"]

_MAX_POINTS = 16_000
# Thin sides keep at least so many samples.
_LEAST_SIDE = 4

Points = NDArray[np.float32]


@dataclass(frozen=True)
class Lattice:
    """A displacement at some points of the fixed grid.

    Attributes:
        axes: Positions along each axis, in voxels of the full grid.
        displacement: (a, b, c, 3) float32, in the units of the file.
    """

    axes: tuple[Points, Points, Points]
    displacement: NDArray[np.float32]

    @property
    def points(self) -> Points:
        """Positions (a, b, c, 3), voxels."""
        return np.stack(np.meshgrid(*self.axes, indexing="ij"), axis=-1)


def sample(displacement: NDArray[np.float32]) -> Lattice:
    """Takes every n-th voxel; sides of one length get the same positions, so that axes can be swapped.

    Args:
        displacement: (X, Y, Z, 3), on the full grid.
    """
    shape = displacement.shape[:3]
    step = 1
    while _points(shape, step) > _MAX_POINTS:
        step += 1
    steps = [max(1, min(step, side // _LEAST_SIDE)) for side in shape]
    x, y, z = (np.arange((side - 1) % n // 2, side, n) for side, n in zip(shape, steps, strict=True))
    positions = (x.astype(np.float32), y.astype(np.float32), z.astype(np.float32))
    return Lattice(positions, displacement[np.ix_(x, y, z)])


def _points(shape: Sequence[int], step: int) -> int:
    return int(np.prod([-(-side // step) for side in shape]))
