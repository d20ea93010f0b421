"""What a segmentation network says of a volume, kept on the grid that it works on."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from pipeline.network.halfgrid import doubled_map
from pipeline.typing import Float, Tensor

__all__ = ["FeatureLogits", "Logits"]

_SLAB_VOX = 16
"""36 classes on all of a brain's 160x192x224 voxels would take a gigabyte."""


@dataclass(frozen=True, eq=False)
class FeatureLogits:
    """Of every class, made when they are asked for, from maps on the full grid that a last layer looks at.

    Attributes:
        features: (1, C, X, Y, Z).
        classifier: the last layer, which looks at each voxel alone.
    """

    features: Float[Tensor, "1 C X Y Z"]
    classifier: nn.Conv3d

    def slabs(self) -> Iterator[tuple[slice, Float[Tensor, "N S Y Z"]]]:
        """Gives the full grid part by part along its first axis."""
        side = self.features.shape[2]
        for start in range(0, side, _SLAB_VOX):
            part = slice(start, min(start + _SLAB_VOX, side))
            yield part, self.classifier(self.features[:, :, part])[0]

    def of(self, number: int) -> Float[Tensor, "X Y Z"]:
        """One class on the full grid."""
        weight, bias = self.classifier.weight[number, :, 0, 0, 0], self.classifier.bias
        found = torch.einsum("cxyz,c->xyz", self.features[0], weight)
        return found if bias is None else found + bias[number]


@dataclass(frozen=True, eq=False)
class Logits:
    """Of every class, on the full grid, on the half grid, or on two half grids.

    Attributes:
        own: (1, N, U, V, W).
        shape: Sides of the full grid.
        halved: Whether a voxel of `own` stands for the first of 2x2x2 voxels of the full grid.
        between: The same of the image one voxel further along every axis; None where that was not looked at.
    """

    own: Float[Tensor, "1 N U V W"]
    shape: tuple[int, int, int]
    halved: bool = False
    between: Float[Tensor, "1 N U V W"] | None = None

    def slabs(self) -> Iterator[tuple[slice, Float[Tensor, "N S Y Z"]]]:
        """Gives the full grid part by part along its first axis."""
        step = _SLAB_VOX if self.halved else self.shape[0]
        for start in range(0, self.shape[0], step):
            part = slice(start, min(start + step, self.shape[0]))
            yield part, self._on_full_grid(slice(None), part)[0]

    def of(self, number: int) -> Float[Tensor, "X Y Z"]:
        """One class on the full grid."""
        return self._on_full_grid(slice(number, number + 1), slice(0, self.shape[0]))[0, 0]

    def _on_full_grid(self, classes: slice, part: slice) -> Float[Tensor, "1 M S Y Z"]:
        """Planes of the full grid, the first of them even where it is not the first of all."""
        if not self.halved:
            _, y, z = self.shape
            return self.own[:, classes, part, :y, :z]
        found = self._doubled(self.own[:, classes], part, 0)
        if self.between is None:
            return found
        # With one in front, whose voxel would be the one before the first.
        behind = F.pad(self.between[:, classes], [1, 0] * 3, mode="replicate")
        return (found + self._doubled(behind, part, 1)) / 2

    def _doubled(
        self, logits: Float[Tensor, "1 M P Q R"], part: slice, first: int
    ) -> Float[Tensor, "1 M S Y Z"]:
        """The same planes of one half grid, of which `first` full-grid voxels are left out in front."""
        _, y, z = self.shape
        # With the neighbour behind, to which the last plane is interpolated.
        full = doubled_map(logits[:, :, part.start // 2 : -(-(part.stop + first) // 2) + 1])
        x_planes, y_planes, z_planes = (slice(first, first + side) for side in (part.stop - part.start, y, z))
        return full[:, :, x_planes, y_planes, z_planes]
