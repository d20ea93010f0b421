"""Fields made of fields: the inverse of one, and several as one."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairs.errors import DisplacementError, UsageError
from pairs.fields.field import Basis, Field, field_from_array
from pairs.images.given import Given, header_from
from pairs.images.header import Header
from pairs.images.relation import relation_of
from pairs.images.sampling import Box, Places, each_block
from transforms.inverse import InverseFigures, inverse_of
from transforms.pathway import Pathway, Step

__all__ = ["InvertedField", "compose", "invert"]


@dataclass(frozen=True, eq=False)
class InvertedField:
    """An inverse and how good it is.

    Attributes:
        field: On the grid of the moving image. Where no inverse was found, the displacement of the nearest
            voxel that has one.
        figures: Its residual in voxels, and where it folds or is missing.
    """

    field: Field
    figures: InverseFigures


def invert(field: Field, moving: Given | Header | None = None) -> InvertedField:
    """Inverts a field: the result brings images of the fixed space to the grid of the moving image.

    Args:
        field: The field.
        moving: The moving image; None for one on the grid of the fixed image.

    Raises:
        DisplacementError: If there is an inverse nowhere.
        VolumeError: If the moving image cannot be used.
    """
    grid = field.grid if moving is None else header_from(moving)
    found = inverse_of(Pathway(field.grid, (field,)), grid)
    if found.figures.missing == found.figures.voxels:
        raise DisplacementError("the field has an inverse nowhere", where=field.path)

    def places(block: Box) -> NDArray[np.float64]:
        return np.moveaxis(found.origins[block], -1, 0).astype(np.float64)

    there = _field_to(places, grid, field.grid, _basis((field,), field.grid, grid))
    return InvertedField(replace(there, displacement=_filled(there.displacement)), found.figures)


def compose(*steps: Step, moving: Given | Header | None = None) -> Field:
    """Makes one field of several: what brings the last moving image to the first fixed one, in one go.

    Args:
        steps: Fields and affine maps (4, 4) of RAS millimetres, in the order in which a point of the first
            fixed image goes through them; a field comes first.
        moving: The last moving image; None for one on the grid of the last field.

    Raises:
        UsageError: If no field comes first.
        VolumeError: If the moving image cannot be used.

    Examples:
        >>> u = np.zeros((3, 4, 5, 3), np.float32)
        >>> u[..., 2] = 0.5
        >>> half = field_from_array(u, np.zeros((3, 4, 5)))
        >>> compose(half, half).displacement[1, 1, 1].tolist()
        [0.0, 0.0, 1.0]
    """
    fields = [step for step in steps if isinstance(step, Field)]
    if not steps or not isinstance(steps[0], Field):
        raise UsageError("nothing to compose", expected="a field to begin with")
    grid, end = fields[0].grid, fields[-1].grid if moving is None else header_from(moving)
    way = Pathway(grid, steps).stages(grid, end)
    return _field_to(way.places, grid, end, _basis(steps, *(one.grid for one in fields), end))


def _basis(steps: tuple[Step, ...], *grids: Header) -> Basis:
    """Voxels one to one where that is so on the whole way."""
    plain = all(isinstance(step, Field) and step.basis == "voxels" for step in steps)
    return "voxels" if plain and len({grid.shape for grid in grids}) == 1 else "headers"


def _field_to(places: Places, grid: Header, end: Header, basis: Basis) -> Field:
    """The field on a grid that leads to given places, in voxels of the end."""
    back = np.eye(4) if basis == "voxels" else np.linalg.inv(relation_of(grid, end).to_moving_voxels())
    displacement = np.empty((*grid.shape, 3), dtype=np.float32)

    def fill(block: Box) -> None:
        ranges = (np.arange(axis.start, axis.stop, dtype=np.float64) for axis in block)
        voxels = np.stack(np.meshgrid(*ranges, indexing="ij"))
        ends = np.tensordot(back[:3, :3], places(block), axes=1) + back[:3, 3].reshape(3, 1, 1, 1)
        displacement[block] = np.moveaxis(ends - voxels, 0, -1)

    each_block(fill, grid.shape)
    return field_from_array(displacement, grid, basis=basis)


def _filled(displacement: NDArray[np.float32]) -> NDArray[np.float32]:
    """Puts the displacement of the nearest voxel that has one in the place of none."""
    missing = np.isnan(displacement[..., 0])
    if not missing.any():
        return displacement
    nearest = ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
    filled: NDArray[np.float32] = displacement[tuple(nearest)]
    return filled
