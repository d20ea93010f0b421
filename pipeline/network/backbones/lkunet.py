"""LKU-Net: a U-Net whose encoder uses large-kernel blocks (Jia et al. 2022), the default backbone."""

from functools import reduce

import torch
import torch.nn.functional as F
from torch import nn

from pipeline.machine.device import mixed_precision
from pipeline.network.backbones.backbone import Backbone, Features
from pipeline.network.backbones.unet import UpLevel, conv_prelu
from pipeline.typing import Float, Tensor

__all__ = ["LKUNet", "LargeKernelBlock"]


class LKUNet(Backbone):
    """Feature map of (moving, fixed); k = 5 kernels in the encoder, plain 3x3x3 ones in the decoder.

    Args:
        start_channels: Ns, the width of the finest level.
        decoder_stride: 1 gives F on the input grid, 2 on the half grid; both have C2 = 2 Ns channels.

    References:
        Jia et al. 2022, https://arxiv.org/abs/2208.04939
    """

    size_multiple = 16

    def __init__(self, start_channels: int, decoder_stride: int = 1) -> None:
        super().__init__()
        n = start_channels
        self.stride = decoder_stride
        self.out_channels = 2 * n
        self.stem = nn.Sequential(conv_prelu(2, n), conv_prelu(n, n))
        self.down = nn.ModuleList(
            nn.Sequential(conv_prelu(c_in, c_out, stride=2), LargeKernelBlock(c_out))
            for c_in, c_out in [(n, 2 * n), (2 * n, 4 * n), (4 * n, 8 * n), (8 * n, 8 * n)]
        )
        levels = [UpLevel(8 * n, 8 * n, 8 * n, 4 * n), UpLevel(4 * n, 4 * n, 4 * n, 2 * n)]
        levels.append(UpLevel(2 * n, 2 * n, 4 * n, 2 * n))
        if decoder_stride == 1:
            levels.append(UpLevel(2 * n, n, 2 * n, 2 * n))
        self.up = nn.ModuleList(levels)

    def forward(self, moving: Float[Tensor, "B 1 X Y Z"], fixed: Float[Tensor, "B 1 X Y Z"]) -> Features:
        """F of the pair; the channel order is moving, fixed, as in the authors' code."""
        skips = [self.stem(torch.cat([moving, fixed], dim=1))]
        for level in self.down:
            skips.append(level(skips[-1]))
        features = skips.pop()
        for level in self.up:
            features = level(features, skips.pop())
        return Features(features)


class LargeKernelBlock(nn.Module):
    """PReLU(conv3(x) + conv5(x) + conv1(x) + x), evaluated as one 5x5x5 convolution.

    The three kernels and the identity add up to a single kernel, so the sum is
    taken over weights, not over feature maps: the same function and gradients with one convolution for three.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.regular = nn.Conv3d(channels, channels, 3)
        self.large = nn.Conv3d(channels, channels, 5)
        self.one = nn.Conv3d(channels, channels, 1)
        self.activation = nn.PReLU()

    def forward(self, x: Float[Tensor, "B C X Y Z"]) -> Float[Tensor, "B C X Y Z"]:
        """The block's output, on the grid of `x`."""
        weight, bias = self.fused_kernel()
        if min(x.shape[2:]) >= weight.shape[-1]:
            return self.activation(F.conv3d(x, weight, bias, padding=2))
        # As in `Conv3`: the weight gradient in bfloat16 is wrong on maps narrower than the kernel.
        with mixed_precision(x.device, torch.float32):
            return self.activation(F.conv3d(x.float(), weight, bias, padding=2))

    def fused_kernel(self) -> tuple[Float[Tensor, "C C 5 5 5"], Float[Tensor, " C"]]:
        """The single kernel and bias that equal the block's four branches."""
        channels = self.one.out_channels
        identity = torch.eye(channels, device=self.one.weight.device, dtype=self.one.weight.dtype)
        centre = self.one.weight + identity.view(channels, channels, 1, 1, 1)
        weight = self.large.weight + F.pad(self.regular.weight, [1] * 6) + F.pad(centre, [2] * 6)
        biases = [conv.bias for conv in (self.large, self.regular, self.one) if conv.bias is not None]
        # Not the sum of a stack: the gradients of its parts share memory, and what changes one in place, as
        # clipping does, would change all three.
        return weight, reduce(torch.add, biases)
