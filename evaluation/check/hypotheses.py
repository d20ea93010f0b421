"""Hypotheses: the mistakes in units, axes and direction that a displacement is tried against."""

import itertools
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from evaluation.check.lattice import Lattice
from pairs.profile import Shape3
from pairs.volume import Header

__all__ = ["AS_STORED", "IDENTITY", "Hypothesis", "hypotheses"]

Family = Literal["axes", "direction", "units", "halved"]

_PERMUTATIONS = tuple(itertools.permutations(range(3)))[1:]
_SAME = 1e-2


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """A way in which a stored field could be meant otherwise than as voxels along the array axes.

    Attributes:
        name: What the field would be, for a sentence.
        family: Which kind of mistake it is.
        remedy: What to do if it is true.
        matrix: (3, 3); the components of every vector are multiplied by it.
        transpose: Order of the spatial axes of the stored array, None for the right one.
        swapped: Whether the field brings the fixed image onto the moving one.
    """

    name: str
    family: Family
    remedy: str
    matrix: NDArray[np.float64]
    transpose: tuple[int, int, int] | None = None
    swapped: bool = False

    def apply(self, lattice: Lattice) -> NDArray[np.float32]:
        """Returns the displacement in voxels that the stored one means, (a, b, c, 3)."""
        field = lattice.displacement
        if self.transpose is not None:
            field = np.transpose(field, (*self.transpose, 3))
        product: NDArray[np.float32] = field @ self.matrix.T.astype(np.float32)
        return product


AS_STORED = Hypothesis("as stored", "axes", "", np.eye(3))
IDENTITY = Hypothesis("no displacement", "axes", "", np.zeros((3, 3)))


def hypotheses(header: Header) -> tuple[Hypothesis, ...]:
    """Lists the mistakes that can be told apart on the grid of a fixed image, the likelier first.

    Args:
        header: Shape, spacing and affine of the fixed image.
    """
    listed = [*_directions(), *_permuted(), *_transposed(header.shape), *_units(header), _halved()]
    kept: list[Hypothesis] = []
    for one in listed:
        if not any(_alike(one, other) for other in (AS_STORED, IDENTITY, *kept)):
            kept.append(one)
    return tuple(kept)


def _alike(one: Hypothesis, other: Hypothesis) -> bool:
    where = (one.transpose, one.swapped) == (other.transpose, other.swapped)
    return where and bool(np.allclose(one.matrix, other.matrix, rtol=_SAME, atol=_SAME))


def _directions() -> list[Hypothesis]:
    wanted = "write the displacement of the fixed grid, warped(p) = moving(p + u(p))"
    return [
        Hypothesis("fixed and moving swapped", "direction", wanted, np.eye(3), swapped=True),
        Hypothesis("direction reversed (sign)", "direction", wanted, -np.eye(3)),
    ]


def _permuted() -> list[Hypothesis]:
    remedy = "component i belongs to array axis i as nibabel loads the image"
    return [
        Hypothesis(
            f"components in the order {order}" + (" (reversed)" if order == (2, 1, 0) else ""),
            "axes",
            remedy,
            np.eye(3)[np.argsort(order)],
        )
        for order in _PERMUTATIONS
    ]


def _transposed(shape: Shape3) -> list[Hypothesis]:
    """Spatial axes in another order, where lengths cannot tell; the components along or not."""
    found: list[Hypothesis] = []
    remedy = "transpose the field to the array axes of the fixed image"
    for order in _PERMUTATIONS:
        if tuple(shape[axis] for axis in order) != shape:
            continue
        one, two, three = np.argsort(order).tolist()
        undone = np.eye(3)[[one, two, three]]
        for matrix, words in ((undone, "components too"), (np.eye(3), "components not")):
            name = f"spatial axes in the order {order}, {words}"
            found.append(Hypothesis(name, "axes", remedy, matrix, transpose=(one, two, three)))
    return found


def _units(header: Header) -> list[Hypothesis]:
    spacing = np.diag(1 / np.asarray(header.spacing_mm))
    to_voxels = np.linalg.inv(header.affine[:3, :3])
    mm = "divide by the voxel size along each axis"
    world = "convert from world millimetres to voxels along the array axes with the affine"
    normalised = np.diag((np.asarray(header.shape) - 1) / 2)
    norm = "multiply each component by (n - 1) / 2 of its axis"
    return [
        Hypothesis("millimetres along the array axes", "units", mm, spacing),
        Hypothesis("millimetres along the array axes, components reversed", "units", mm, spacing[:, ::-1]),
        Hypothesis("millimetres in LPS world axes, as ITK writes", "units", world, to_voxels @ _lps()),
        Hypothesis("millimetres in RAS world axes", "units", world, to_voxels),
        Hypothesis("normalised units (-1 to 1)", "units", norm, normalised),
        Hypothesis(
            "normalised units (-1 to 1), components reversed as torch has them",
            "units",
            norm + ", and reverse the components",
            normalised[:, ::-1],
        ),
    ]


def _lps() -> NDArray[Any]:
    return np.diag((-1.0, -1.0, 1.0))


def _halved() -> Hypothesis:
    remedy = "displacements are voxels of the full grid, also where half of it is stored"
    return Hypothesis("values halved, as voxels of the half grid", "halved", remedy, 2 * np.eye(3))
