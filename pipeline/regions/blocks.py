"""Networks on the half grid that see every voxel of the full one, and say what each of them is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from pipeline.regions.plainunet import PlainUNet
from pipeline.typing import Float, Shaped, Tensor

__all__ = ["BLOCK", "BlockGrid", "BlockLogits", "begun_from_half", "in_blocks", "out_of_blocks"]

SIDE = 2
BLOCK = SIDE**3
"""Voxels of the full grid in one of the half grid."""
_SLAB_BLOCKS = 8
"""36 classes on all of a brain's 160x192x224 voxels would take a gigabyte."""


class BlockGrid(nn.Module):
    """A U-Net whose channels are the voxels of each block: sub-pixel convolution in three dimensions.

    It costs little more than one that sees the means of the blocks, and finds borders within them.

    Args:
        core: takes `BLOCK` channels; its finest logits are those of each class in each voxel of a block.

    References:
        Shi et al. 2016, Real-time single image and video super-resolution using an efficient sub-pixel
        convolutional neural network, https://doi.org/10.1109/CVPR.2016.207
    """

    def __init__(self, core: PlainUNet) -> None:
        super().__init__()
        self.core = core

    def forward(self, image: Float[Tensor, "B 1 X Y Z"]) -> Float[Tensor, "B N X Y Z"]:
        """Logits of every voxel; sides of the image divide by the network's total stride."""
        return out_of_blocks(self.classifier(self.features(in_blocks(image))))

    @property
    def classifier(self) -> nn.Conv3d:
        """The last layer, from features to the logits of each class in each voxel of a block."""
        return self.core.classifier(0)

    def features(self, blocks: Float[Tensor, "B V X Y Z"]) -> Float[Tensor, "B C X Y Z"]:
        """What the last layer sees."""
        return self.core.decoded(blocks)[0]

    def levels(self, image: Float[Tensor, "B 1 X Y Z"], voxel: int) -> list[Tensor]:
        """Logits of every level but the coarsest, finest first, for training.

        Those of the finest level are for one voxel of each block: for all of them, 36 classes take longer
        than the network.

        Args:
            image: on the full grid.
            voxel: which, along x slowest; the other levels are for the first voxel.
        """
        fine, *coarse = self.core.decoded(in_blocks(image))
        layer = self.classifier
        bias = None if layer.bias is None else layer.bias[voxel::BLOCK]
        finest = nn.functional.conv3d(fine, layer.weight[voxel::BLOCK], bias)
        return [finest, *(self.core.classifier(level)(one) for level, one in enumerate(coarse, 1))]


@dataclass(frozen=True, eq=False)
class BlockLogits:
    """Of every class on the full grid, made when they are asked for.

    Attributes:
        features: (1, C, U, V, W) on the half grid.
        classifier: The last layer of a `BlockGrid`.
        shape: Sides of the full grid.
    """

    features: Float[Tensor, "1 C U V W"]
    classifier: nn.Conv3d
    shape: tuple[int, int, int]

    def slabs(self) -> Iterator[tuple[slice, Float[Tensor, "N S Y Z"]]]:
        """Gives the full grid part by part along its first axis."""
        x, y, z = self.shape
        for start in range(0, x, SIDE * _SLAB_BLOCKS):
            part = slice(start, min(start + SIDE * _SLAB_BLOCKS, x))
            seen = self.features[:, :, start // SIDE : -(-part.stop // SIDE)]
            yield part, out_of_blocks(self.classifier(seen))[0, :, : part.stop - start, :y, :z]

    def of(self, number: int) -> Float[Tensor, "X Y Z"]:
        """One class on the full grid."""
        rows = slice(number * BLOCK, (number + 1) * BLOCK)
        bias = None if self.classifier.bias is None else self.classifier.bias[rows]
        x, y, z = self.shape
        found = nn.functional.conv3d(self.features, self.classifier.weight[rows], bias)
        return out_of_blocks(found)[0, 0, :x, :y, :z]


def in_blocks(image: Shaped[Tensor, "B C X Y Z"]) -> Shaped[Tensor, "B M U V W"]:
    """The voxels of each block as channels, C times `BLOCK` of them; sides are even."""
    batch, channels, *sides = image.shape
    u, v, w = (side // SIDE for side in sides)
    split = image.view(batch, channels, u, SIDE, v, SIDE, w, SIDE)
    return split.permute(0, 1, 3, 5, 7, 2, 4, 6).reshape(batch, channels * BLOCK, u, v, w)


def out_of_blocks(blocks: Float[Tensor, "B M U V W"]) -> Float[Tensor, "B C X Y Z"]:
    """The inverse of `in_blocks`."""
    batch, channels, u, v, w = blocks.shape
    split = blocks.view(batch, channels // BLOCK, SIDE, SIDE, SIDE, u, v, w)
    return split.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(
        batch, channels // BLOCK, SIDE * u, SIDE * v, SIDE * w
    )


def begun_from_half(fresh: Mapping[str, Tensor], half: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a `BlockGrid` that says at first of each voxel what a network of means says of its block.

    Args:
        fresh: random weights, kept for the features that only a `BlockGrid` has.
        half: of a `HalfGrid` around a `PlainUNet` with the same channels.
    """
    begun: dict[str, Tensor] = {}
    for name, own in fresh.items():
        other = half[name]
        if other.dim() == own.dim() > 1 and own.shape[1] == BLOCK * other.shape[1] and other.shape[1] == 1:
            begun[name] = other.expand_as(own) / BLOCK  # The first layer sees the mean.
        elif name.startswith("core.logits.0."):
            repeated = other.repeat_interleave(BLOCK, dim=0)
            begun[name] = torch.zeros_like(own)
            begun[name][tuple(map(slice, repeated.shape))] = repeated
        else:
            begun[name] = own.clone()
            begun[name][tuple(map(slice, other.shape))] = other
    return begun
