"""The grid that a segmentor was trained on: images brought there, probabilities brought back."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose

import numpy as np
import torch

from pairs.images.header import Header
from pairs.images.orientation import AxisOrder, axis_order
from pipeline.regions.config import LatticeConfig
from pipeline.typing import Float, Tensor

__all__ = ["Lattice", "lattice_of"]

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Lattice:
    """A grid in the image's own place, its axes turned and its voxels of another size.

    The first voxels of both coincide, as in MONAI's `Spacing`, with which the public weights were trained.

    Attributes:
        order: from the image's axes to the lattice's.
        image_shape: sides of the image in the lattice's order of axes.
        shape: sides of the lattice.
        step: voxels of the image per voxel of the lattice along each axis.
    """

    order: AxisOrder
    image_shape: Shape
    shape: Shape
    step: tuple[float, float, float]

    @property
    def is_only_turned(self) -> bool:
        """Whether no voxel is of another size."""
        return self.step == (1.0, 1.0, 1.0)

    @property
    def is_image_grid(self) -> bool:
        """Whether nothing is turned either."""
        return self.is_only_turned and self.order == AxisOrder((0, 1, 2), (False,) * 3)

    def from_image(self, image: np.ndarray) -> np.ndarray:
        """An image on the lattice, trilinear: (X, Y, Z) to (U, V, W) float32."""
        if self.is_image_grid:
            return image
        # A copy in any case: a flipped axis of one voxel counts as contiguous and keeps its negative stride.
        turned = torch.from_numpy(np.array(self.order.apply(image), np.float32, order="C"))
        positions = [torch.arange(side) * step for side, step in zip(self.shape, self.step, strict=True)]
        return _interpolated(turned, positions).numpy()

    def nearest_from_image(self, values: np.ndarray) -> np.ndarray:
        """Values that cannot be interpolated on the lattice, of the nearest voxel: (X, Y, Z) to (U, V, W)."""
        turned = self.order.apply(values)
        if self.is_only_turned:
            return np.ascontiguousarray(turned)
        for axis, (side, step) in enumerate(zip(self.shape, self.step, strict=True)):
            indices = np.rint(np.arange(side) * step).astype(int).clip(max=turned.shape[axis] - 1)
            turned = turned.take(indices, axis)
        return np.ascontiguousarray(turned)

    def displacement_to_image(self, displacement: np.ndarray) -> np.ndarray:
        """A displacement in voxels of the lattice, (U, V, W, 3), in those of the image, (X, Y, Z, 3)."""
        if self.is_image_grid:
            return displacement
        found = np.empty((*(self.image_shape[place] for place in np.argsort(self.order.axes)), 3), np.float32)
        for component, (axis, flipped) in enumerate(zip(self.order.axes, self.order.flipped, strict=True)):
            voxels = self.step[component] * (-1 if flipped else 1)
            values = torch.from_numpy(np.ascontiguousarray(displacement[..., component]))
            found[..., axis] = self.to_image(values) * voxels
        return found

    def to_image(self, values: Float[Tensor, "U V W"]) -> np.ndarray:
        """Values on the lattice back on the image's grid, trilinear: (X, Y, Z) float32.

        Half a voxel or less lies beyond the lattice's last voxel; it goes on there as in that voxel.
        """
        if self.is_only_turned:
            return self.order.undo(values.cpu().numpy())
        positions = [
            torch.arange(side) / step for side, step in zip(self.image_shape, self.step, strict=True)
        ]
        return self.order.undo(_interpolated(values, positions).cpu().numpy())


def lattice_of(header: Header, config: LatticeConfig) -> Lattice:
    """The lattice on which the configured network sees this image."""
    order = AxisOrder((0, 1, 2), (False,) * 3)
    if config.orientation is not None:
        order = axis_order(header.affine, config.orientation)
    sides = [header.shape[axis] for axis in order.axes]
    spacing = [header.spacing_mm[axis] for axis in order.axes]
    wanted = config.spacing_mm or spacing
    # What differs by rounding in a header is the same.
    step = [
        1.0 if isclose(new, old, rel_tol=1e-3) else new / old
        for new, old in zip(wanted, spacing, strict=True)
    ]
    u, v, w = (round((side - 1) / size) + 1 for side, size in zip(sides, step, strict=True))
    return Lattice(order, (sides[0], sides[1], sides[2]), (u, v, w), (step[0], step[1], step[2]))


def _interpolated(
    values: Float[Tensor, "X Y Z"], positions: Sequence[Float[Tensor, " _"]]
) -> Float[Tensor, "U V W"]:
    """Linear interpolation along one axis after the other; beyond the ends as at the ends."""
    for axis, position in enumerate(positions):
        last = values.shape[axis] - 1
        position = position.to(values.device).clamp(0, last)
        lower = position.floor().long()
        share = (position - lower).view([-1 if i == axis else 1 for i in range(3)])
        upper = (lower + 1).clamp(max=last)
        values = torch.lerp(values.index_select(axis, lower), values.index_select(axis, upper), share)
    return values
