"""VoxelMorph: plain U-Nets with nearest upsampling (Balakrishnan et al. 2019), in an old and a new form."""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from pipeline.network.backbones.backbone import Backbone, Features
from pipeline.network.backbones.convolution import Conv3, he_start
from pipeline.typing import Float, Tensor

__all__ = ["VOXELMORPHS", "VoxelMorph", "Widths"]

LEAK = 0.2


@dataclass(frozen=True)
class Widths:
    """Channels of a VoxelMorph.

    Attributes:
        encoder: of the four levels, finest first.
        decoder: of the convolutions before the four upsamplings, coarsest first.
        extra: of the convolutions after the last upsampling; the last one is C2.
        pooled: whether max-pooling halves the maps, as in today's voxelmorph; in the older form convolutions
            of stride 2 do, and the images themselves are the finest skip map.
    """

    encoder: tuple[int, int, int, int]
    decoder: tuple[int, int, int, int]
    extra: tuple[int, ...]
    pooled: bool = True

    @property
    def skips(self) -> tuple[int, ...]:
        """Channels of the skip maps, finest first."""
        return self.encoder if self.pooled else (2, *self.encoder[:-1])


VOXELMORPHS = {
    "voxelmorph": Widths((16, 32, 32, 32), (32, 32, 32, 32), (32, 16, 16)),
    "voxelmorph-1": Widths((8, 32, 32, 32), (32, 32, 32, 32), (32, 8, 8), pooled=False),
    "voxelmorph-2": Widths((16, 32, 32, 32), (32, 32, 32, 32), (32, 16, 16), pooled=False),
    "voxelmorph-double": Widths((32, 64, 64, 64), (64, 64, 64, 64), (64, 32, 32)),
}
"""`voxelmorph` is the default of voxelmorph's torch version, -1 and -2 are TransMorph's baselines."""


class VoxelMorph(Backbone):
    """Feature map of (moving, fixed).

    `RegistrationConfig.start_channels` has no meaning here: the widths go with the name.

    Args:
        widths: of all layers.
        decoder_stride: 1 gives F on the input grid; 2 leaves out the last upsampling with its skip map
            (voxelmorph's `half_res`). C2 is the same.

    References:
        Balakrishnan et al. 2019, https://arxiv.org/abs/1809.05231
    """

    size_multiple = 16
    head_bias = True

    def __init__(self, widths: Widths, decoder_stride: int = 1) -> None:
        super().__init__()
        self.stride = decoder_stride
        self.out_channels = widths.extra[-1]
        self.pooled = widths.pooled
        step = 1 if widths.pooled else 2
        self.down = nn.ModuleList(_conv(c_in, c_out, step) for c_in, c_out in pairwise((2, *widths.encoder)))
        grown = 4 if decoder_stride == 1 else 3
        channels = widths.encoder[-1]
        self.up = nn.ModuleList()
        for width, skip in zip(widths.decoder[:grown], reversed(widths.skips), strict=False):
            self.up.append(_conv(channels, width))
            channels = width + skip
        rest = (channels, *widths.decoder[grown:], *widths.extra)
        self.rest = nn.Sequential(*(_conv(c_in, c_out) for c_in, c_out in pairwise(rest)))

    def forward(self, moving: Float[Tensor, "B 1 X Y Z"], fixed: Float[Tensor, "B 1 X Y Z"]) -> Features:
        """F of the pair; the channel order is moving, fixed, as in the authors' code."""
        features = torch.cat([moving, fixed], dim=1)
        skips = []
        for level in self.down:
            skips.append(level(features) if self.pooled else features)
            features = F.max_pool3d(skips[-1], 2) if self.pooled else level(features)
        for level in self.up:
            grown = F.interpolate(level(features), scale_factor=2, mode="nearest")
            features = torch.cat([grown, skips.pop()], dim=1)
        return Features(self.rest(features))


def _conv(c_in: int, c_out: int, stride: int = 1) -> nn.Sequential:
    conv = Conv3(c_in, c_out, stride)
    he_start(conv, 27 * c_in, LEAK)
    return nn.Sequential(conv, nn.LeakyReLU(LEAK))
