"""Where a map of points takes a given value: a fixed point where that settles, Newton's steps where not.

The map is x -> T(x), an affine map with displacements around it. With L its linear part, the steps

    x <- x - L^-1 (T(x) - y)

settle wherever the displacement changes by less than a voxel from one voxel to the next. Where tissue is
stretched further they do not, although the map does not fold; there Newton's steps take the derivative of T
itself, and are halved as long as they lead further away.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from pairs.images.relation import Matrix

__all__ = ["SETTLED_VOX", "Move", "fixed_point", "newton"]

Move: TypeAlias = Callable[[Matrix], Matrix]
"""Points (3, N) to points (3, N)."""

SETTLED_VOX = 1e-3
"""A distance at which a search ends."""

_FIXED_POINT_STEPS, _NEWTON_STEPS = 12, 30
_DAMPING = (1.0, 0.5, 0.25, 0.125, 0.03)
# A step counts where it leaves at most this part of the distance.
_ENOUGH = 0.95
_DIFFERENCE_VOX = 1e-3
_SINGULAR = 1e-9


def fixed_point(move: Move, targets: Matrix, linear: Matrix) -> tuple[Matrix, Matrix]:
    """Searches x with T(x) = y by steps with the linear part.

    Args:
        move: T.
        targets: y, (3, N).
        linear: T without displacements, (4, 4).

    Returns:
        The best x that were found, (3, N), and how far T(x) is from y, (N,), which may be far.
    """
    inverse = np.linalg.inv(linear)

    def step(_: Matrix, residual: Matrix) -> Matrix:
        found: Matrix = inverse[:3, :3] @ residual
        return found

    start = inverse[:3, :3] @ targets + inverse[:3, 3:]
    return _descend(move, targets, start, step, _FIXED_POINT_STEPS, (1.0,))


def newton(move: Move, targets: Matrix, start: Matrix) -> tuple[Matrix, Matrix]:
    """Searches x with T(x) = y from `start` (3, N) by damped steps of Newton; for the rest `fixed_point`."""

    def step(points: Matrix, residual: Matrix) -> Matrix:
        jacobians = _jacobians(move, points)
        jacobians[np.abs(np.linalg.det(jacobians)) < _SINGULAR] = np.eye(3)
        return np.asarray(np.linalg.solve(jacobians, residual.T[..., None])[..., 0].T, dtype=np.float64)

    return _descend(move, targets, start, step, _NEWTON_STEPS, _DAMPING)


def _jacobians(move: Move, points: Matrix) -> Matrix:
    """The derivative of a map at points (3, N), (N, 3, 3)."""
    here = move(points)
    columns = []
    for axis in range(3):
        beside = points.copy()
        beside[axis] += _DIFFERENCE_VOX
        columns.append((move(beside) - here) / _DIFFERENCE_VOX)
    return np.moveaxis(np.stack(columns), -1, 0).swapaxes(1, 2)


def _descend(
    move: Move,
    targets: Matrix,
    start: Matrix,
    step_of: Callable[[Matrix, Matrix], Matrix],
    steps: int,
    damping: tuple[float, ...],
) -> tuple[Matrix, Matrix]:
    """Goes on from each point as long as its steps, full or damped, shorten the distance."""
    best = start.copy()
    residual = move(best) - targets
    distance: Matrix = np.linalg.norm(residual, axis=0)
    active = np.flatnonzero(distance > SETTLED_VOX)
    for _ in range(steps):
        if not active.size:
            break
        step = step_of(best[:, active], residual[:, active])
        waiting = np.arange(active.size)
        for factor in damping:
            chosen = active[waiting]
            tried = best[:, chosen] - factor * step[:, waiting]
            found = move(tried) - targets[:, chosen]
            length = np.linalg.norm(found, axis=0)
            better = length < _ENOUGH * distance[chosen]
            taken = chosen[better]
            best[:, taken], residual[:, taken] = tried[:, better], found[:, better]
            distance[taken] = length[better]
            waiting = waiting[~better]
            if not waiting.size:
                break
        active = np.delete(active, waiting)
        active = active[distance[active] > SETTLED_VOX]
    return best, distance
