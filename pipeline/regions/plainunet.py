"""The plain U-Net of nnU-Net; in training each level has logits of its own.

Its parts are those of MONAI's DynUNet, under the same names. They are made of PyTorch's layers here:
the import of MONAI takes longer than a pair.
"""

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from pipeline.typing import Float, Tensor

__all__ = ["PlainUNet"]

LEAK = 0.01


class PlainUNet(nn.Module):
    """Two convolutions a level, the first level on the full grid.

    Args:
        channels: of the levels, finest first; each has half the sides of the one before.
        classes: of the logits.
        block: voxels of an image that are one here, each a channel. The finest level then says of each of
            them what it is, and has twice as many features for that.

    References:
        Isensee et al. 2021, nnU-Net, https://doi.org/10.1038/s41592-020-01008-z
    """

    def __init__(self, channels: Sequence[int], classes: int, block: int = 1) -> None:
        super().__init__()
        inputs, strides = (block, *channels[:-1]), (1, *(2 for _ in channels[1:]))
        self.down = nn.ModuleList(
            _Block(before, after, after, stride)
            for before, after, stride in zip(inputs, channels, strides, strict=True)
        )
        widths = [width if block == 1 or level else 2 * width for level, width in enumerate(channels[:-1])]
        self.up = nn.ModuleList(
            _UpBlock(coarse, fine, width)
            for (fine, coarse), width in zip(pairwise(channels), widths, strict=True)
        )
        self.logits = nn.ModuleList(
            _named(_named(nn.Conv3d(width, classes if level else classes * block, 1)))
            for level, width in enumerate(widths)
        )

    def forward(self, image: Float[Tensor, "B I X Y Z"]) -> Tensor | list[Tensor]:
        """Logits (B, N, X, Y, Z); in training those of every level but the coarsest, finest first."""
        levels = self.decoded(image)
        if not self.training:
            return self.classifier(0)(levels[0])
        return [self.classifier(level)(features) for level, features in enumerate(levels)]

    def classifier(self, level: int) -> nn.Conv3d:
        """The last layer of a level, from features to logits."""
        layer = self.get_submodule(f"logits.{level}.conv.conv")
        if not isinstance(layer, nn.Conv3d):
            raise TypeError(f"the last layer is a convolution, not {type(layer).__name__}")
        return layer

    def decoded(self, image: Float[Tensor, "B I X Y Z"]) -> list[Tensor]:
        """What the last layers see: the features of every level but the coarsest, finest first."""
        skips: list[Tensor] = []
        features = image
        for block in self.down:
            features = block(features)
            skips.append(features)
        levels: list[Tensor] = []
        for level in reversed(range(len(self.up))):
            features = self.up[level](features, skips[level])
            levels.insert(0, features)
        return levels


class _Block(nn.Module):
    """Two convolutions, each with its norm and activation."""

    def __init__(self, inputs: int, between: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = _named(nn.Conv3d(inputs, between, 3, stride=stride, padding=1, bias=False))
        self.conv2 = _named(nn.Conv3d(between, outputs, 3, padding=1, bias=False))
        self.lrelu = nn.LeakyReLU(LEAK, inplace=True)
        self.norm1 = nn.InstanceNorm3d(between, affine=True)
        self.norm2 = nn.InstanceNorm3d(outputs, affine=True)

    def forward(self, features: Float[Tensor, "B I X Y Z"]) -> Float[Tensor, "B O U V W"]:
        features = self.lrelu(self.norm1(self.conv1(features)))
        return self.lrelu(self.norm2(self.conv2(features)))


class _UpBlock(nn.Module):
    """Coarse features on the grid of finer ones, and a block over both."""

    def __init__(self, coarse: int, fine: int, outputs: int) -> None:
        super().__init__()
        self.transp_conv = _named(nn.ConvTranspose3d(coarse, fine, 2, stride=2, bias=False))
        self.conv_block = _Block(2 * fine, fine, outputs)

    def forward(
        self, coarse: Float[Tensor, "B I U V W"], skip: Float[Tensor, "B F X Y Z"]
    ) -> Float[Tensor, "B O X Y Z"]:
        return self.conv_block(torch.cat([self.transp_conv(coarse), skip], dim=1))


def _named(layer: nn.Module) -> nn.Sequential:
    """The layer with a name of its own within its place."""
    return nn.Sequential(OrderedDict(conv=layer))
