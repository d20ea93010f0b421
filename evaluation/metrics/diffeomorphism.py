"""Non-diffeomorphic volume: how much of the volume a deformation turns inside out.

Liu et al., "On Finite Difference Jacobian Computation in Deformable Image Registration", IJCV 2024. Central
differences overlook folds between neighbouring voxels. The paper cuts each cube of eight voxels into five
tetrahedra, in two mirrored ways, and sums the volumes that come out negative. Seen from a voxel these are
eight tetrahedra at its corners, whose edges are one-sided differences along the axes, and two central ones,
whose edges are differences along the diagonals of the faces. A tetrahedron has a sixth of the volume of its
determinant, and as there are two ways, each counts half.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.spread import Spread, Tile, in_turn, tiles

__all__ = ["non_diffeomorphic_volume"]

# Three components of a vector at each voxel of a slab.
Vectors = NDArray[np.float32]
# Of a tile: small enough for its arrays to stay in the processor's cache.
_PLANES = 4
_ROWS = 32
# A little less than 1, for the rounding of float32.
_SAFE = 0.99
_DIAGONALS = ((1, 1, 0), (1, 0, 1), (0, 1, 1))


def non_diffeomorphic_volume(displacement: NDArray[np.float32], *, spread: Spread = in_turn) -> float:
    """Returns the non-diffeomorphic volume as a share of the volume.

    Args:
        displacement: u, shape (X, Y, Z, 3), voxels.
        spread: How the tiles of the volume are processed.

    Returns:
        The volume of the negative tetrahedra around the voxels that are not at a face, divided by the number
        of these voxels; NaN if there are none.
    """
    sides = [side - 2 for side in displacement.shape[:3]]

    def negative_volume(tile: Tile) -> float:
        x, y = tile
        return _negative_volume(displacement[x.start : x.stop + 2, y.start : y.stop + 2])

    volumes = list(spread(negative_volume, tiles(sides, _PLANES, _ROWS)))
    return math.fsum(volumes) / math.prod(sides) if volumes else math.nan


def _negative_volume(displacement: NDArray[np.float32]) -> float:
    """Returns the negative volume around the voxels of a block (A, B, C, 3) that are not at a face."""
    u = np.ascontiguousarray(np.moveaxis(displacement, -1, 0))
    return (_corner_volume(u) + _middle_volume(u)) / 12


def _corner_volume(u: Vectors) -> float:
    edges = [_axis_edges(u, axis) for axis in range(3)]
    # Where the gradient is small, no one-sided difference turns anything inside out: the determinant of
    # I + A is positive if the squares of A add up to less than 1.
    if sum(float(np.square(edge).sum(axis=0).max()) for edge in edges) < _SAFE:
        return 0.0
    ahead_and_behind = []
    for axis, edge in enumerate(edges):
        edge[axis] += 1
        ahead_and_behind.append((_part(edge, axis, slice(1, None)), _part(edge, axis, slice(None, -1))))
    total = 0.0
    for along_y, along_z in itertools.product(*ahead_and_behind[1:]):
        normal = _cross(along_y, along_z)
        for along_x in ahead_and_behind[0]:
            total += _negative_sum(_dot(along_x, normal))
    return total


def _middle_volume(u: Vectors) -> float:
    total = 0.0
    for sign in (1, -1):
        first, second, third = (_edge(u, tuple(sign * step for step in offset)) for offset in _DIAGONALS)
        # In this order of the diagonals the identity has the determinant -2 sign.
        total += _negative_sum(np.float32(-sign) * _dot(first, _cross(second, third)))
    return total


def _axis_edges(u: Vectors, axis: int) -> Vectors:
    """Differences of u between neighbours along an axis, one more along it than there are inner voxels."""
    core = [slice(None) if i == axis else slice(1, -1) for i in range(3)]
    values = u[(slice(None), *core)]
    return _part(values, axis, slice(1, None)) - _part(values, axis, slice(None, -1))


def _part(vectors: Vectors, axis: int, part: slice) -> Vectors:
    return vectors[(slice(None), *(part if i == axis else slice(None) for i in range(3)))]


def _edge(u: Vectors, offset: tuple[int, ...]) -> Vectors:
    """Returns the difference of the deformation between the voxel at an offset and the voxel itself."""
    there = tuple(slice(1 + step, side - 1 + step) for step, side in zip(offset, u.shape[1:], strict=True))
    edge: Vectors = u[(slice(None), *there)] - u[:, 1:-1, 1:-1, 1:-1]
    for component, step in zip(edge, offset, strict=True):
        if step:
            component += step
    return edge


def _cross(a: Vectors, b: Vectors) -> Sequence[NDArray[np.float32]]:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _dot(a: Vectors, b: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    product: NDArray[np.float32] = a[0] * b[0]
    product += a[1] * b[1]
    product += a[2] * b[2]
    return product


def _negative_sum(determinants: NDArray[np.float32]) -> float:
    if determinants.min() >= 0:
        return 0.0
    return -float(np.minimum(determinants, 0).sum(dtype=np.float64))
