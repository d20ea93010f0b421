"""Where a voxel of one image lies in another: fields and affine maps in a row, gone through once."""

import logging
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairs.fields.field import Field
from pairs.images.grid import affine_warnings
from pairs.images.header import Header
from pairs.images.relation import Matrix, relation_of
from pairs.images.sampling import Box

__all__ = ["Pathway", "Stages", "Step"]

_LOG = logging.getLogger(__name__)

Step: TypeAlias = Field | Matrix
"""A field, or an affine map (4, 4) of points in RAS millimetres, towards the moving image."""


@dataclass(frozen=True, eq=False)
class Stages:
    """A way from the voxels of one grid to those of another: matrix, displacement, matrix, ..., matrix.

    Attributes:
        matrices: One more than displacements, each (4, 4); voxels to voxels of the next grid.
        displacements: (X, Y, Z, 3) float32 each, in voxels of the grid that the matrix before leads to.
    """

    matrices: tuple[Matrix, ...]
    displacements: tuple[NDArray[np.float32], ...]

    def moved(self, points: Matrix) -> Matrix:
        """Returns where points (3, ...) come to lie; beyond its grid a displacement is that of its border."""
        points = _mapped(self.matrices[0], points)
        for displacement, matrix in zip(self.displacements, self.matrices[1:], strict=True):
            points = _mapped(matrix, points + _sampled(displacement, points))
        return points

    def places(self, block: Box) -> Matrix:
        """Returns where the voxels of a block of the first grid come to lie, (3, A, B, C)."""
        ranges = (np.arange(axis.start, axis.stop, dtype=np.float64) for axis in block)
        points = np.stack(np.meshgrid(*ranges, indexing="ij"))
        if not self.displacements or not _is_identity(self.matrices[0]):
            return self.moved(points)
        # On the field's own grid its numbers are taken as they are.
        first = np.moveaxis(self.displacements[0], -1, 0)
        points += first[:, *block]
        points = _mapped(self.matrices[1], points)
        return Stages((np.eye(4), *self.matrices[2:]), self.displacements[1:]).moved(points)

    def linear(self) -> Matrix:
        """Returns the way without the displacements, (4, 4)."""
        total: Matrix = np.linalg.multi_dot([*reversed(self.matrices), np.eye(4)])
        return total


@dataclass(frozen=True, eq=False)
class Pathway:
    """From the space of a fixed image to that of a moving one.

    Attributes:
        fixed: Header of the fixed image, where the way begins.
        steps: What a point goes through, in this order.
    """

    fixed: Header
    steps: tuple[Step, ...]

    def stages(self, start: Header, end: Header) -> Stages:
        """Returns the way from voxels of a grid in the fixed space to those of one in the moving space."""
        matrices, displacements = [], []
        here: Header | Field = self.fixed
        pending: Matrix | None = None
        total = _between(self.fixed, start, None, backwards=True)
        for step in self.steps:
            if isinstance(step, Field):
                matrices.append(_between(here, step.grid, pending) @ total)
                displacements.append(step.displacement)
                here, pending, total = step, None, np.eye(4)
            else:
                pending = step if pending is None else step @ pending
        matrices.append(_between(here, end, pending) @ total)
        return Stages(tuple(matrices), tuple(displacements))


def _between(
    here: Header | Field, there: Header, matrix: Matrix | None, *, backwards: bool = False
) -> Matrix:
    """Voxels of the grid where a field leads to voxels of another, through a map of points in millimetres."""
    grid = here.grid if isinstance(here, Field) else here
    if grid is there and matrix is None:
        return np.eye(4)
    if isinstance(here, Field) and here.basis == "voxels" and matrix is None and grid.shape == there.shape:
        for warning in affine_warnings(grid, there):
            _LOG.warning("%s; --placed-by headers goes by the affines", warning)
        return np.eye(4)
    if isinstance(here, Field) and grid.shape == there.shape and affine_warnings(grid, there):
        _LOG.info("%s is placed by its header, not voxel on voxel", there.path)
    relation = relation_of(there, grid) if backwards else relation_of(grid, there)
    if relation.basis == "sizes":
        _LOG.warning("%s", relation.warnings[0])
    return relation.to_moving_voxels(matrix)


def _is_identity(matrix: Matrix) -> bool:
    return bool(np.array_equal(matrix, np.eye(4)))


def _mapped(matrix: Matrix, points: Matrix) -> Matrix:
    if _is_identity(matrix):
        return points
    moved: Matrix = np.tensordot(matrix[:3, :3], points, axes=1)
    moved += matrix[:3, 3].reshape(3, *(1 for _ in points.shape[1:]))
    return moved


def _sampled(displacement: NDArray[np.float32], points: Matrix) -> NDArray[Any]:
    """The displacement at points (3, ...) of its grid, float64; that of the border beyond it."""
    found = np.empty_like(points)
    for axis in range(3):
        ndimage.map_coordinates(displacement[..., axis], points, output=found[axis], order=1, mode="nearest")
    return found
