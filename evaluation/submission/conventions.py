"""Conventions: the ways to store a displacement, the challenge's own and those with the usual mistakes."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairs.fields.profile import Shape3
from pairs.images.volume import Header

__all__ = ["AS_STORED", "CONVENTIONS", "HALVED", "Convention", "Mistake"]

Matrix = NDArray[np.float64]
Signed = tuple[tuple[int, ...], tuple[int, ...]]
"""An order of axes, and 1 or -1 for each of them."""

_IN_ORDER: Signed = ((0, 1, 2), (1, 1, 1))
_REVERSED = (2, 1, 0)
_ORDERS = tuple(itertools.permutations(range(3)))
_SIGNS = tuple(itertools.product((1, -1), repeat=3))
# More mistakes at a time are rare, and many conventions fit some field by chance.
_MOST_MISTAKES = 2


@dataclass(frozen=True)
class Mistake:
    """One usual mistake: its name as a part of a sentence, and how to correct it."""

    name: str
    remedy: str


@dataclass(frozen=True, eq=False)
class _Unit:
    """A unit of the stored numbers.

    Attributes:
        mistakes: The mistake of using it; none for voxels.
        to_voxels: The (3, 3) matrix that turns values into voxels along the array axes.
        centred: Whether positions in it are counted from the middle of the grid.
    """

    mistakes: tuple[Mistake, ...]
    to_voxels: Callable[[Header], Matrix]
    centred: bool = False


def _half_sides(header: Header) -> NDArray[np.float64]:
    return (np.asarray(header.shape, dtype=np.float64) - 1) / 2


def _world(axes: str, signs: tuple[float, float, float]) -> _Unit:
    remedy = "convert from world millimetres to voxels along the array axes with the affine"
    mistake = Mistake(f"millimetres in {axes}", remedy)
    return _Unit((mistake,), lambda header: np.linalg.inv(header.affine[:3, :3]) @ np.diag(signs))


_VOXELS = _Unit((), lambda _: np.eye(3))
_MILLIMETRES = _Unit(
    (Mistake("millimetres along the array axes", "divide by the voxel size along each axis"),),
    lambda header: np.diag(1 / np.asarray(header.spacing_mm)),
)
_NORMALISED = _Unit(
    (Mistake("normalised units (-1 to 1)", "multiply each component by (n - 1) / 2 of its axis"),),
    lambda header: np.diag(_half_sides(header)),
    centred=True,
)
_HALF_VOXELS = _Unit(
    (
        Mistake(
            "values halved, as voxels of the half grid",
            "displacements are voxels of the full grid, also where half of it is stored",
        ),
    ),
    lambda _: 2 * np.eye(3),
)
_RAS = _world("RAS world axes", (1.0, 1.0, 1.0))
_LPS = _world("LPS world axes, as ITK writes", (-1.0, -1.0, 1.0))

_SWAPPED = Mistake(
    "fixed and moving swapped", "write the displacement of the fixed grid, warped(p) = moving(p + u(p))"
)
_NEGATED = Mistake("direction reversed (sign)", _SWAPPED.remedy)
_ABSOLUTE = Mistake(
    "absolute positions in place of displacements", "subtract its own position from each voxel"
)
_TORCH = Mistake(
    "sampling grid of torch: absolute positions from -1 to 1, components reversed",
    "reverse the components, multiply by (n - 1) / 2, subtract the position",
)


@dataclass(frozen=True, eq=False)
class Convention:
    """One way in which a displacement may be stored.

    Attributes:
        mistakes: In what it differs from the challenge's convention; nothing for that one.
        turn: (3, 3) of 0, 1 and -1; brings the stored components into the order and sign of the axes.
        unit: The unit of the values.
        spatial: The stored axis that belongs to each axis of the grid, and -1 where it runs backwards.
        swapped: Whether the field brings the fixed image onto the moving one.
        absolute: Whether the values are positions in the moving image, not displacements.
    """

    mistakes: tuple[Mistake, ...] = ()
    turn: Matrix = field(default_factory=lambda: np.eye(3))
    unit: _Unit = _VOXELS
    spatial: Signed = _IN_ORDER
    swapped: bool = False
    absolute: bool = False

    @property
    def name(self) -> str:
        """The mistakes as a part of a sentence."""
        return " and ".join(one.name for one in self.mistakes) or "as stored"

    @property
    def remedy(self) -> str:
        """How to correct the mistakes."""
        return "; ".join(one.remedy for one in self.mistakes)

    def fits(self, shape: Shape3) -> bool:
        """Says whether the axes may be in this order: axes of different lengths cannot be exchanged."""
        return tuple(shape[axis] for axis in self.spatial[0]) == shape

    def family(self, header: Header) -> tuple[object, ...]:
        """Returns what is equal in conventions that differ in length, or in how the direction is reversed."""
        signs = np.sign(np.round(self._matrix(header), 3)).astype(int)
        if self.swapped and not self.absolute:
            signs = -signs
        return self.spatial, self.absolute, *signs.reshape(-1).tolist()

    def displacement(
        self, stored: NDArray[np.float32], header: Header, index: tuple[NDArray[np.intp], ...] | None = None
    ) -> NDArray[np.float32]:
        """Returns the displacement that is meant, in voxels; where `swapped`, that of the moving grid.

        Args:
            stored: (X, Y, Z, 3), the values of the file on the full grid.
            header: Shape, spacing and affine of the fixed image.
            index: The voxels to look at, an open mesh as from `numpy.ix_`; None for all.
        """
        order, steps = self.spatial
        arranged = np.transpose(stored, (*order, 3))[tuple(slice(None, None, step) for step in steps)]
        mesh = np.ix_(*map(np.arange, header.shape)) if index is None else index
        chosen: NDArray[Any] = arranged if index is None else arranged[index]
        values = chosen @ self._matrix(header).T.astype(np.float32)
        if self.absolute:
            middle = _half_sides(header) if self.unit.centred else np.zeros(3)
            for axis, places in enumerate(mesh):
                values[..., axis] += (middle[axis] - places).astype(np.float32)
        return np.ascontiguousarray(values, dtype=np.float32)

    def _matrix(self, header: Header) -> Matrix:
        return self.unit.to_voxels(header) @ self.turn


AS_STORED = Convention()
HALVED = Convention(_HALF_VOXELS.mistakes, unit=_HALF_VOXELS)
"""Never certain: a registration that is too weak looks the same."""


def _components() -> Iterator[Convention]:
    """Yields components in another order, with other signs or in other units; fixed and moving swapped."""
    units = (_VOXELS, _MILLIMETRES, _NORMALISED)
    for order, signs, unit, swapped in itertools.product(_ORDERS, _SIGNS, units, (False, True)):
        mistakes = (*_ordered(order), *_signed(signs), *unit.mistakes, *((_SWAPPED,) if swapped else ()))
        if 0 < len(mistakes) <= _MOST_MISTAKES:
            yield Convention(mistakes, np.diag(signs) @ _undone(order), unit, swapped=swapped)


def _positions() -> Iterator[Convention]:
    """Yields absolute positions."""
    for order in _ORDERS:
        yield Convention((_ABSOLUTE, *_ordered(order)), _undone(order), absolute=True)
    yield Convention((_ABSOLUTE, _SWAPPED), swapped=True, absolute=True)
    yield Convention((_ABSOLUTE, *_NORMALISED.mistakes), unit=_NORMALISED, absolute=True)
    yield Convention((_TORCH,), _undone(_REVERSED), _NORMALISED, absolute=True)


def _rearranged() -> Iterator[Convention]:
    """Yields spatial axes in another order or direction, with the components reordered too or not."""
    for order, signs, along in itertools.product(_ORDERS, _SIGNS, (True, False)):
        if (order, signs) == _IN_ORDER:
            continue
        words = [f"spatial axes in the order {order}"] if order != _IN_ORDER[0] else []
        words += [f"array reversed along {_letters(signs)}"] if -1 in signs else []
        name = f"{' and '.join(words)}, components {'too' if along else 'not'}"
        mistake = Mistake(name, "lay the field out as the fixed image is stored, and its components with it")
        turn = np.diag(signs) @ _undone(order) if along else np.eye(3)
        spatial = (tuple(np.argsort(order).tolist()), signs)
        yield Convention((mistake,), turn, spatial=spatial)
        yield Convention((mistake, _NEGATED), -turn, spatial=spatial)
        yield Convention((mistake, _SWAPPED), turn, spatial=spatial, swapped=True)


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


def _undone(order: tuple[int, ...]) -> Matrix:
    """Returns the matrix that brings components stored in this order back into the order of the axes."""
    return np.eye(3)[np.argsort(order)]


def _all() -> tuple[Convention, ...]:
    world = (Convention(unit.mistakes, unit=unit) for unit in (_RAS, _LPS))
    wrong = (*_components(), *world, HALVED, *_positions(), *_rearranged())
    return (AS_STORED, *sorted(wrong, key=lambda one: len(one.mistakes)))


CONVENTIONS = _all()
"""The challenge's convention, then those with one or two mistakes, fewer mistakes first."""
