"""The 3x3x3 convolution of the backbones, safe in bfloat16 on narrow maps, and its start for training."""

import torch
from torch import nn

from pipeline.machine.device import mixed_precision
from pipeline.typing import Float, Tensor

__all__ = ["Conv3", "he_start"]


class Conv3(nn.Conv3d):
    """A padded 3x3x3 convolution, in float32 on maps narrower than that.

    On maps narrower than the kernel, oneDNN's bfloat16 weight gradient comes out as NaN or 1e37.
    """

    def __init__(self, c_in: int, c_out: int, stride: int = 1, bias: bool = True) -> None:
        super().__init__(c_in, c_out, 3, stride=stride, padding=1, bias=bias)

    def forward(self, x: Float[Tensor, "B C X Y Z"]) -> Float[Tensor, "B D U V W"]:
        """The convolution of `x`, on every `stride`-th voxel."""
        if min(x.shape[2:]) >= self.kernel_size[0]:
            return super().forward(x)
        with mixed_precision(x.device, torch.float32):
            return super().forward(x.float())


def he_start(conv: nn.Conv3d | nn.ConvTranspose3d, inputs: int, slope: float) -> None:
    """Variance-preserving start: `inputs` terms per output, then a leaky ReLU of `slope`.

    PyTorch's default divides the variance by about three in every layer, so that F barely varies over
    space at the start and the first hundreds of steps move nothing.

    References:
        He et al. 2015, https://arxiv.org/abs/1502.01852
    """
    nn.init.normal_(conv.weight, std=(2 / (1 + slope**2) / inputs) ** 0.5)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
