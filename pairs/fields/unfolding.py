"""Displacements that do not fold once the host has decoded them.

Where tissue is squeezed, what a half grid can store overshoots and folds although the displacement itself
does not. A positive Jacobian determinant at each folded voxel is then a constraint, met by steps along its
gradient: the least change to first order, within what the profile can store (Cimmino's simultaneous
projections).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairs.fields.displacement import Profile
from pairs.fields.encoding import decode, encode
from pairs.fields.resampling import Upsampling, one_blas_thread, round_trip_matrix

__all__ = ["folded_voxels", "unfolded"]

Components = NDArray[np.float32]
"""(3, X, Y, Z), one after the other."""
Voxels = NDArray[np.intp]
Box = tuple[slice, slice, slice]

# What the steps ask of a determinant; more where rounding to the stored numbers folded it again.
_LEAST = (0.01, 0.03, 0.1, 0.3)
_ROUNDS, _STEPS = 20, 5
_FURTHEST_VOX = np.float32(0.5)
# A field that folds in more of its voxels is left: it is wrong in another way, and would take minutes.
_LARGEST_SHARE = 0.05
# Folds are worked off in boxes: those in touching blocks of this side together, with room around them.
_BLOCK, _ROOM = 4, 6
# Planes of determinants at a time, so that nine derivatives of them stay small.
_PLANES = 8


def unfolded(displacement: NDArray[Any], profile: Profile) -> NDArray[Any]:
    """The displacement, changed where it would fold as the profile's host decodes it.

    Args:
        displacement: (X, Y, Z, 3), voxels of the full grid.
        profile: What it will be stored as.

    Returns:
        The same array where nothing folds, or so much that another fault must be the cause. Else a new one,
        close to what the host would have decoded, of which nothing folds once it is stored, or, where the
        steps do not get there, a few voxels still do.

    Raises:
        DisplacementError: If it cannot be stored, see `encode`.
    """
    for least in _LEAST:
        decoded = decode(encode(displacement, profile), profile)
        folds = len(folded_voxels(decoded))
        if not 0 < folds <= _LARGEST_SHARE * decoded[..., 0].size:
            break
        # The same bytes whatever the number of threads.
        with one_blas_thread():
            displacement = _pushed_apart(decoded, profile, least)
    return displacement


def folded_voxels(displacement: NDArray[Any], below: float = 0.0) -> Voxels:
    """Where det(I + grad u) is at most `below`, by central differences in voxels: indices (N, 3).

    The voxels at the faces have none; the official evaluator leaves out two at each.
    """
    components = np.moveaxis(displacement, -1, 0)
    found = [np.empty((0, 3), dtype=np.intp)]
    for start in range(0, displacement.shape[0] - 2, _PLANES):
        determinants = _determinants(_jacobians(components[:, start : start + _PLANES + 2]))
        found.append(np.argwhere(determinants <= below) + np.array([start + 1, 1, 1]))
    return np.concatenate(found)


def _pushed_apart(displacement: NDArray[np.float32], profile: Profile, least: float) -> NDArray[np.float32]:
    field = np.array(np.moveaxis(displacement, -1, 0))
    sides = field.shape[1:]
    whole = [_storing(profile.upsampling, side) for side in sides] if profile.upsampling else []
    for round_ in range(_ROUNDS):
        folds = folded_voxels(np.moveaxis(field, 0, -1), least / 3)
        for box in _boxes(folds, sides):
            parts = [matrix[axis, axis] for matrix, axis in zip(whole, box, strict=False)]
            # What does not unfold by small steps does by larger ones.
            _push_apart(field[:, *box], parts, least, 2 + round_)
        if not len(folds):
            break
    return np.moveaxis(field, 0, -1)


def _storing(upsampling: Upsampling, side: int) -> NDArray[np.float32]:
    """What storing makes of a change of a field, along one axis."""
    return round_trip_matrix(upsampling, side).astype(np.float32)


def _boxes(voxels: Voxels, shape: Sequence[int]) -> Iterator[Box]:
    """Boxes around groups of voxels; a group is what lies in touching blocks."""
    blocks = np.zeros([-(-side // _BLOCK) for side in shape], dtype=bool)
    blocks[tuple((voxels // _BLOCK).T)] = True
    groups, _ = ndimage.label(blocks, structure=np.ones((3, 3, 3)))
    for group in ndimage.find_objects(groups):
        x, y, z = (
            slice(max(axis.start * _BLOCK - _ROOM, 0), min(axis.stop * _BLOCK + _ROOM, side))
            for axis, side in zip(group, shape, strict=True)
        )
        yield x, y, z


def _push_apart(field: Components, stored: Sequence[NDArray[np.float32]], least: float, pace: float) -> None:
    """A few steps, in place, of a part of a field towards determinants of at least `least` in it.

    Args:
        field: the part.
        stored: what storing makes of a change of it, a matrix along each axis.
        least: what is asked of the determinants that are below a third of it.
        pace: length of the steps.
    """
    # The share of a change at a single voxel that storing keeps; folds that lie together share their changes.
    kept = float(np.prod([np.diag(matrix).mean() for matrix in stored]))
    for _ in range(_STEPS):
        jacobians = _jacobians(field)
        determinants = _determinants(jacobians)
        at = np.nonzero(determinants <= least / 3)
        if not len(at[0]):
            break
        cofactors = _cofactors(jacobians[:, :, at[0], at[1], at[2]])
        # Central differences: each cofactor counts half, at two neighbours.
        multipliers = (least - determinants[at]) / (0.5 * np.square(cofactors).sum((0, 1)) + 1e-3)
        change = _spread(cofactors * multipliers, at, field.shape)
        for axis, matrix in enumerate(stored, start=1):
            change = np.moveaxis(np.tensordot(matrix, change, axes=(1, axis)), 0, axis)
        change *= np.float32(pace / (4 * kept))
        # The constraints hold to first order only.
        field += change * (_FURTHEST_VOX / max(np.abs(change).max(), _FURTHEST_VOX))


def _jacobians(field: Components) -> NDArray[np.float32]:
    """I + grad u, (3, 3, X - 2, Y - 2, Z - 2): component, axis, inner voxels."""
    inner = slice(1, -1)
    ahead, behind = slice(2, None), slice(None, -2)
    sides = [max(side - 2, 0) for side in field.shape[1:]]
    jacobians = np.empty((3, 3, *sides), dtype=np.float32)
    for axis in range(3):
        place = [inner, inner, inner]
        place[axis] = ahead
        after = field[:, *place]
        place[axis] = behind
        np.subtract(after, field[:, *place], out=jacobians[:, axis])
    jacobians *= np.float32(0.5)
    for axis in range(3):
        jacobians[axis, axis] += 1
    return jacobians


def _determinants(jacobians: NDArray[np.float32]) -> NDArray[np.float32]:
    (a, b, c), (d, e, f), (g, h, i) = jacobians
    determinants: NDArray[np.float32] = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    return determinants


def _cofactors(jacobians: NDArray[np.float32]) -> NDArray[np.float32]:
    """Derivatives of the determinants by the entries of (3, 3, N) matrices."""
    after, before = np.roll(jacobians, -1, axis=0), np.roll(jacobians, 1, axis=0)
    cofactors: NDArray[np.float32] = np.roll(after, -1, axis=1) * np.roll(before, 1, axis=1)
    cofactors -= np.roll(after, 1, axis=1) * np.roll(before, -1, axis=1)
    return cofactors


def _spread(
    weights: NDArray[np.float32], at: tuple[NDArray[np.intp], ...], shape: tuple[int, ...]
) -> Components:
    """Sums of (3, 3, N) weights at the two neighbours that each derivative of the voxels `at` comes from."""
    total = np.zeros(shape, dtype=np.float32)
    for axis in range(3):
        for ahead in (True, False):
            neighbour = [index + 1 for index in at]
            neighbour[axis] = at[axis] + (2 if ahead else 0)
            half = np.float32(0.5 if ahead else -0.5)
            for component, weight in zip(total, weights[:, axis], strict=True):
                np.add.at(component, tuple(neighbour), half * weight)
    return total
