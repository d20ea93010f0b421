"""Three orthogonal sections through one voxel, each laid out as a screen shows it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.jacobian import CROP, jacobian_determinants
from evaluation.picture.slices import body_view
from pairs.images.header import Header
from pairs.images.orientation import axis_order

__all__ = ["Section", "sections_through"]

_T = TypeVar("_T", bound=np.generic)
Voxel = tuple[int, int, int]

# By the direction across the plane, once the axes run to the right, to the front and to the head.
_PLANES = ("sagittal", "coronal", "axial")
_ENDS = (("L", "R"), ("P", "A"), ("I", "S"))


@dataclass(frozen=True)
class Section:
    """A part of a plane through a volume: rows from top to bottom, columns from left to right.

    Attributes:
        name: "axial", "coronal" or "sagittal"; "across axis 3" where the header does not say.
        axis: The array axis that is perpendicular to the plane.
        index: Number of the plane on it.
        count: How many planes there are.
        right_axis: The array axis along the columns.
        up_axis: The array axis along the rows.
        is_mirrored: Whether the columns run against their axis.
        is_upright: Whether the rows run against their axis, which then points upwards.
        whole: Rows and columns of the whole plane.
        window: Those of them that are shown.
        ends: Letters for the patient's directions at the left, right, bottom and top edge, or none.
        spacing_mm: Size of a voxel to the right and upwards.
    """

    name: str
    axis: int
    index: int
    count: int
    right_axis: int
    up_axis: int
    is_mirrored: bool
    is_upright: bool
    whole: tuple[int, int]
    window: tuple[slice, slice]
    ends: tuple[str, ...]
    spacing_mm: tuple[float, float]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = (side.stop - side.start for side in self.window)
        return rows, columns

    def spot(self, voxel: Voxel) -> tuple[float, float]:
        """Returns where the middle of a voxel lies, in voxels from the left and from the top."""
        row, column = voxel[self.up_axis], voxel[self.right_axis]
        row = self.whole[0] - 1 - row if self.is_upright else row
        column = self.whole[1] - 1 - column if self.is_mirrored else column
        return column - self.window[1].start + 0.5, row - self.window[0].start + 0.5

    def cut(self, volume: NDArray[_T]) -> NDArray[_T]:
        """Cuts a volume (X, Y, Z) along the section."""
        return self._laid_out(np.take(volume, self.index, axis=self.axis))

    def _laid_out(self, plane: NDArray[_T]) -> NDArray[_T]:
        """Turns a plane, its array axes in ascending order, to rows and columns."""
        turned = plane if self.up_axis < self.right_axis else plane.T
        rows, columns = (-1 if flipped else 1 for flipped in (self.is_upright, self.is_mirrored))
        return np.ascontiguousarray(turned[::rows, ::columns][self.window])

    def determinants(self, displacement: NDArray[np.float32]) -> NDArray[np.float64]:
        """Returns the Jacobian determinants of u (X, Y, Z, 3), 1 at the faces, which do not count."""
        sides = [side for axis, side in enumerate(displacement.shape[:3]) if axis != self.axis]
        plane = np.ones(sides)
        if CROP <= self.index < self.count - CROP and min(sides) > 2 * CROP:
            around = slice(self.index - CROP, self.index + CROP + 1)
            slab = displacement[tuple(around if axis == self.axis else slice(None) for axis in range(3))]
            plane[CROP:-CROP, CROP:-CROP] = jacobian_determinants(slab).take(0, axis=self.axis)
        return self._laid_out(plane)

    def targets(self, displacement: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns for each voxel the column and the row to which u (X, Y, Z, 3) leads it."""
        rows, columns = np.indices(self.shape, dtype=np.float64)
        right, up = (self.cut(displacement[..., axis]) for axis in (self.right_axis, self.up_axis))
        return (
            columns + (-right if self.is_mirrored else right),
            rows + (-up if self.is_upright else up),
        )


def sections_through(voxel: Voxel, header: Header, images: Sequence[NDArray[np.float32]]) -> list[Section]:
    """Returns the axial, the coronal and the sagittal section through a voxel.

    An oblique grid is shown along its own axes, each in the direction nearest to the patient's.

    Args:
        voxel: Of the fixed grid.
        header: Of the fixed image.
        images: (X, Y, Z) each; of a plane, that part is shown in which one of them is above zero.
    """
    order = axis_order(header.affine)
    sections = []
    for across in (2, 1, 0):
        right, up = (one for one in range(3) if one != across)
        axis = order.axes[across]
        spacing = (header.spacing_mm[order.axes[right]], header.spacing_mm[order.axes[up]])
        sides = (header.shape[order.axes[up]], header.shape[order.axes[right]])
        whole = Section(
            name=_PLANES[across] if header.placed else f"across axis {axis + 1}",
            axis=axis,
            index=voxel[axis],
            count=header.shape[axis],
            right_axis=order.axes[right],
            up_axis=order.axes[up],
            is_mirrored=order.flipped[right],
            # Towards the head or the front is up, and the first row is on top.
            is_upright=not order.flipped[up],
            whole=sides,
            window=(slice(0, sides[0]), slice(0, sides[1])),
            ends=(*_ENDS[right], *_ENDS[up]) if header.placed else (),
            spacing_mm=spacing,
        )
        view = body_view([whole.cut(image) for image in images])
        window = tuple(slice(round(low + 0.5), round(high + 0.5)) for low, high in (view.up, view.right))
        sections.append(replace(whole, window=(window[0], window[1])))
    return sections
