"""A coarse lattice of points: few, but enough to see whether a field does its work."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lattice", "Points", "lattice_over"]

_MAX_POINTS = 4_000
# Thin sides keep at least so many samples.
_LEAST_SIDE = 4
# What moves into the structures from beyond them, in voxels.
_MARGIN = 4

Points = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Lattice:
    """Some voxels of a grid.

    Attributes:
        index: What takes them out of an array (X, Y, Z, ...).
        points: (N, 3), their positions in voxels.
    """

    index: tuple[NDArray[np.intp], ...]
    points: Points


def lattice_over(volumes: Sequence[NDArray[Any]]) -> Lattice:
    """Takes every n-th voxel of the box in which one of the volumes is not zero.

    Args:
        volumes: Arrays (X, Y, Z) of one shape.
    """
    occupied = np.logical_or.reduce([volume != 0 for volume in volumes])
    spans = [_span(occupied.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    step = 1
    while math.prod(-(-len(span) // step) for span in spans) > _MAX_POINTS:
        step += 1
    sides = [_thinned(span, step) for span in spans]
    points = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 3)
    return Lattice(np.ix_(*sides), points.astype(np.float32))


def _span(occupied: NDArray[np.bool_]) -> range:
    found = np.flatnonzero(occupied)
    if not found.size:
        return range(occupied.size)
    return range(max(0, int(found[0]) - _MARGIN), min(occupied.size, int(found[-1]) + 1 + _MARGIN))


def _thinned(span: range, step: int) -> range:
    step = max(1, min(step, len(span) // _LEAST_SIDE))
    return span[(len(span) - 1) % step // 2 :: step]
