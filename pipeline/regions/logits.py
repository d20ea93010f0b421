"""What a segmentation network says of a volume, kept on the grid that it works on."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
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
    """Of every class, on the full grid or on the half grid.

    Attributes:
        own: (1, N, U, V, W).
        shape: Sides of the full grid.
        halved: Whether a voxel of `own` stands for the first of 2x2x2 voxels of the full grid.
    """

    own: Float[Tensor, "1 N U V W"]
    shape: tuple[int, int, int]
    halved: bool = False

    def slabs(self) -> Iterator[tuple[slice, Float[Tensor, "N S Y Z"]]]:
        """Gives the full grid part by part along its first axis."""
        step = _SLAB_VOX if self.halved else self.shape[0]
        for start in range(0, self.shape[0], step):
            part = slice(start, min(start + step, self.shape[0]))
            yield part, self._on_full_grid(self.own, part)[0]

    def of(self, number: int) -> Float[Tensor, "X Y Z"]:
        """One class on the full grid."""
        return self._on_full_grid(self.own[:, number : number + 1], slice(0, self.shape[0]))[0, 0]

    def _on_full_grid(self, logits: Float[Tensor, "1 M U V W"], part: slice) -> Float[Tensor, "1 M S Y Z"]:
        """Planes of the full grid, the first of them even where it is not the first of all."""
        _, y, z = self.shape
        if not self.halved:
            return logits[:, :, part, :y, :z]
        # With the neighbour behind, to which the last plane is interpolated.
        full = doubled_map(logits[:, :, part.start // 2 : -(-part.stop // 2) + 1])
        return full[:, :, : part.stop - part.start, :y, :z]
