"""Readings: the ways in which a stored displacement may be meant, right or by one or two usual mistakes."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.submission.lattice import Lattice, Points
from pairs.fields.profile import Shape3
from pairs.images.volume import Header

__all__ = ["AS_STORED", "Mistake", "Reading", "readings"]

Signed = tuple[tuple[int, ...], tuple[int, ...]]
"""An order of axes, and 1 or -1 for each of them."""

_IN_ORDER: Signed = ((0, 1, 2), (1, 1, 1))
_ORDERS = tuple(itertools.permutations(range(3)))
_SIGNS = tuple(itertools.product((1, -1), repeat=3))
_REVERSED = (2, 1, 0)
_SAME = 1e-2

_HALVED = 2.0
_MOST_MISTAKES = 2


@dataclass(frozen=True)
class Mistake:
    """One usual mistake: its name as a part of a sentence, and what to do about it."""

    name: str
    remedy: str


_SWAPPED = Mistake(
    "fixed and moving swapped", "write the displacement of the fixed grid, warped(p) = moving(p + u(p))"
)
_NEGATED = Mistake("direction reversed (sign)", _SWAPPED.remedy)
_HALF = Mistake(
    "values halved, as voxels of the half grid",
    "displacements are voxels of the full grid, also where half of it is stored",
)
_ABSOLUTE = Mistake(
    "absolute positions in place of displacements", "subtract its own position from each voxel"
)
_NORMALISED = Mistake("normalised units (-1 to 1)", "multiply each component by (n - 1) / 2 of its axis")
_TORCH = Mistake(
    "sampling grid of torch: absolute positions from -1 to 1, components reversed",
    "reverse the components, multiply by (n - 1) / 2, subtract the position",
)


@dataclass(frozen=True, eq=False)
class Reading:
    """One way to read a stored field; the displacement is then `matrix @ value + offset`, minus the position.

    Attributes:
        mistakes: What was done wrong, and what to do about it; nothing for the right reading.
        matrix: (3, 3); every stored vector is multiplied by it.
        spatial: The stored axis that belongs to each axis of the grid, and -1 where it runs backwards.
        swapped: Whether the field brings the fixed image onto the moving one.
        offset: Where the values are positions, what is added to them to reach voxels; None for displacements.
    """

    mistakes: tuple[Mistake, ...] = ()
    matrix: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    spatial: Signed = _IN_ORDER
    swapped: bool = False
    offset: tuple[float, ...] | None = None

    @property
    def name(self) -> str:
        """The mistakes as a part of a sentence."""
        return " and ".join(one.name for one in self.mistakes) or "as stored"

    @property
    def remedy(self) -> str:
        """What to do if the mistakes were made."""
        return "; ".join(one.remedy for one in self.mistakes)

    @property
    def kin(self) -> tuple[object, ...]:
        """What readings share that differ only in length, or in how the direction is reversed."""
        signs = np.sign(np.round(self.matrix, 3)).astype(int)
        if self.swapped and self.offset is None:
            signs = -signs
        return self.spatial, self.offset is None, *signs.reshape(-1).tolist()

    @property
    def rescales(self) -> bool:
        """Whether only the length of the vectors is read otherwise, as of a registration that is too weak."""
        return self.mistakes == (_HALF,)

    def arrange(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Returns a view of (X, Y, Z, 3) with the spatial axes as the grid has them."""
        order, steps = self.spatial
        return np.transpose(stored, (*order, 3))[tuple(slice(None, None, step) for step in steps)]

    def positions(self, stored: NDArray[np.float32], lattice: Lattice) -> Points:
        """Returns where the points of a lattice are mapped to, (N, 3) voxels."""
        values = self.arrange(stored)[lattice.index].reshape(-1, 3) @ self.matrix.T.astype(np.float32)
        return values + (lattice.points if self.offset is None else np.asarray(self.offset, dtype=np.float32))

    def displacement(self, stored: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the displacement meant, (X, Y, Z, 3) voxels; where `swapped`, that of the other way."""
        values = self.arrange(stored) @ self.matrix.T.astype(np.float32)
        if self.offset is not None:
            grid = np.meshgrid(*map(np.arange, values.shape[:3]), indexing="ij", sparse=True)
            for axis, places in enumerate(grid):
                values[..., axis] += np.float32(self.offset[axis]) - places.astype(np.float32)
        return np.ascontiguousarray(values, dtype=np.float32)


AS_STORED = Reading()


def readings(header: Header) -> tuple[Reading, ...]:
    """Lists the right reading and those with one or two mistakes, fewer mistakes first.

    Args:
        header: Shape, spacing and affine of the fixed image.
    """
    listed = (
        *_components(header),
        *_world(header),
        Reading((_HALF,), _HALVED * np.eye(3)),
        *_positions(header.shape),
        *_rearranged(header.shape),
    )
    return tuple(_distinct((AS_STORED, *sorted(listed, key=lambda one: len(one.mistakes)))))


def _distinct(listed: Iterable[Reading]) -> Iterator[Reading]:
    """Leaves out what comes to the same displacement as a reading before it."""
    seen: set[tuple[object, ...]] = set()
    for one in listed:
        steps = np.rint(one.matrix / _SAME).astype(int)
        key = (one.spatial, one.swapped, one.offset, *steps.reshape(-1).tolist())
        if key not in seen:
            seen.add(key)
            yield one


def _world(header: Header) -> Iterator[Reading]:
    to_voxels = np.linalg.inv(header.affine[:3, :3])
    remedy = "convert from world millimetres to voxels along the array axes with the affine"
    axes = (("RAS world axes", (1.0, 1.0, 1.0)), ("LPS world axes, as ITK writes", (-1.0, -1.0, 1.0)))
    for name, signs in axes:
        yield Reading((Mistake(f"millimetres in {name}", remedy),), to_voxels @ np.diag(signs))


def _components(header: Header) -> Iterator[Reading]:
    """Components in another order, with other signs or in other units; fixed and moving swapped."""
    in_mm = Mistake("millimetres along the array axes", "divide by the voxel size along each axis")
    units = (
        ((), np.ones(3)),
        ((in_mm,), 1 / np.asarray(header.spacing_mm)),
        ((_NORMALISED,), _half_sides(header.shape)),
    )
    for order, signs, (unit, factors), swapped in itertools.product(_ORDERS, _SIGNS, units, (False, True)):
        mistakes = (*_ordered(order), *_signed(signs), *unit, *((_SWAPPED,) if swapped else ()))
        if len(mistakes) <= _MOST_MISTAKES:
            yield Reading(mistakes, np.diag(factors * signs) @ _undone(order), swapped=swapped)


def _positions(shape: Shape3) -> Iterator[Reading]:
    """Absolute positions, where a displacement was asked for."""
    middle = tuple(_half_sides(shape).tolist())
    nothing = (0.0, 0.0, 0.0)
    for order in _ORDERS:
        yield Reading((_ABSOLUTE, *_ordered(order)), _undone(order), offset=nothing)
    yield Reading((_ABSOLUTE, _SWAPPED), swapped=True, offset=nothing)
    yield Reading((_ABSOLUTE, _NORMALISED), np.diag(middle), offset=middle)
    yield Reading((_TORCH,), np.diag(middle) @ _undone(_REVERSED), offset=middle)


def _rearranged(shape: Shape3) -> Iterator[Reading]:
    """Spatial axes in another order or direction, where lengths cannot tell; the components along or not."""
    for order, signs, along in itertools.product(_ORDERS, _SIGNS, (True, False)):
        if (order, signs) == _IN_ORDER or tuple(shape[axis] for axis in order) != shape:
            continue
        words = [f"spatial axes in the order {order}"] if order != _IN_ORDER[0] else []
        words += [f"array reversed along {_letters(signs)}"] if -1 in signs else []
        name = f"{' and '.join(words)}, components {'too' if along else 'not'}"
        mistake = Mistake(name, "lay the field out as the fixed image is stored, and its components with it")
        matrix = np.diag(signs) @ _undone(order) if along else np.eye(3)
        spatial = (tuple(np.argsort(order).tolist()), signs)
        yield Reading((mistake,), matrix, spatial)
        yield Reading((mistake, _NEGATED), -matrix, spatial)
        yield Reading((mistake, _SWAPPED), matrix, spatial, swapped=True)


def _ordered(order: tuple[int, ...]) -> tuple[Mistake, ...]:
    if order == _IN_ORDER[0]:
        return ()
    name = f"components in the order {order}" + (" (reversed)" if order == _REVERSED else "")
    return (Mistake(name, "component i belongs to array axis i as nibabel loads the image"),)


def _signed(signs: tuple[int, ...]) -> tuple[Mistake, ...]:
    if -1 not in signs:
        return ()
    if 1 not in signs:
        return (_NEGATED,)
    name = f"sign of the {_letters(signs)} component reversed"
    return (Mistake(name, "components point along the array axes of the fixed image, in voxels"),)


def _letters(signs: tuple[int, ...]) -> str:
    return " and ".join(letter for letter, sign in zip("xyz", signs, strict=True) if sign < 0)


def _undone(order: tuple[int, ...]) -> NDArray[np.float64]:
    """Brings components that are stored in this order back into the order of the axes."""
    return np.eye(3)[np.argsort(order)]


def _half_sides(shape: Shape3) -> NDArray[np.float64]:
    return (np.asarray(shape, dtype=np.float64) - 1) / 2
