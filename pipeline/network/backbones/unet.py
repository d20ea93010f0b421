"""Parts of the U-Nets of LKU-Net and Fourier-Net: a convolution with PReLU, and a decoder level."""

import torch
from torch import nn

from pipeline.network.backbones.convolution import Conv3, he_start
from pipeline.typing import Float, Tensor

__all__ = ["UpLevel", "conv_prelu"]

PRELU_START = 0.25
"""Slope with which PyTorch starts a PReLU."""


class UpLevel(nn.Module):
    """One decoder level: transposed convolution, concatenation with the skip map, two convolutions.

    Args:
        channels: of the coarse map.
        skip: channels of the skip map.
        mid: channels between the two convolutions.
        out: channels of the result.
    """

    def __init__(self, channels: int, skip: int, mid: int, out: int) -> None:
        super().__init__()
        grow = nn.ConvTranspose3d(channels, channels, 2, stride=2)
        # The kernel is as wide as the stride, so each output voxel has one term a channel.
        he_start(grow, channels, PRELU_START)
        self.up = nn.Sequential(grow, nn.PReLU())
        self.merge = nn.Sequential(conv_prelu(channels + skip, mid), conv_prelu(mid, out))

    def forward(
        self, coarse: Float[Tensor, "B C U V W"], skip: Float[Tensor, "B S X Y Z"]
    ) -> Float[Tensor, "B D X Y Z"]:
        """The map on the grid of `skip`, twice as fine as that of `coarse`."""
        return self.merge(torch.cat([self.up(coarse), skip], dim=1))


def conv_prelu(c_in: int, c_out: int, stride: int = 1) -> nn.Sequential:
    """A 3x3x3 convolution with bias, then a PReLU."""
    conv = Conv3(c_in, c_out, stride)
    he_start(conv, 27 * c_in, PRELU_START)
    return nn.Sequential(conv, nn.PReLU())
