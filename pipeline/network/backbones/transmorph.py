"""TransMorph: a Swin transformer encoder with a convolutional decoder (Chen et al. 2022)."""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from pipeline.network.backbones.backbone import Backbone, Features
from pipeline.network.backbones.convolution import Conv3
from pipeline.network.backbones.swinblocks import PatchMerging, SwinBlock, Window
from pipeline.network.gradients import resized
from pipeline.typing import Float, Tensor

__all__ = ["PUBLISHED_WINDOW", "TRANSMORPHS", "Size", "TransMorph"]

PUBLISHED_WINDOW: Window = (5, 6, 7)
"""A 32nd of the published input, 160x192x224: the coarsest map is then one window."""

PATCH = 4
FULL_CHANNELS = 16
LEAK = 0.01
DROP_PATH = 0.3


@dataclass(frozen=True)
class Size:
    """The sizes in which the published networks differ.

    Attributes:
        channels: E, of the finest tokens; doubled from stage to stage.
        depths: blocks of each stage.
        heads: attention heads of each stage.
    """

    channels: int
    depths: tuple[int, int, int, int]
    heads: tuple[int, int, int, int]


TRANSMORPHS = {
    "transmorph-tiny": Size(6, (2, 2, 4, 2), (2, 2, 4, 4)),
    "transmorph-small": Size(48, (2, 2, 4, 2), (4, 4, 4, 4)),
    "transmorph-base": Size(96, (2, 2, 4, 2), (4, 4, 8, 8)),
    "transmorph-large": Size(128, (2, 2, 12, 2), (4, 4, 8, 16)),
}


class TransMorph(Backbone):
    """Feature map of (moving, fixed).

    `RegistrationConfig.start_channels` has no meaning here: the widths go with the name. Linear layers and
    convolutions start as PyTorch starts them, as in the authors' runs; every one is followed by a norm or is
    one half of a residual branch.

    Args:
        size: widths and depths.
        window: of the attention, in tokens (patches of 4 voxels), see `PUBLISHED_WINDOW`. The tables of
            relative positions depend on it, and so does the number of parameters.
        decoder_stride: 1 gives F on the input grid with C2 = 16; 2 stops one block earlier, with C2 = E / 2.

    References:
        Chen et al. 2022, https://arxiv.org/abs/2111.10480
    """

    size_multiple = 32
    head_bias = True

    def __init__(self, size: Size, window: Window = PUBLISHED_WINDOW, decoder_stride: int = 1) -> None:
        super().__init__()
        n = size.channels
        self.stride = decoder_stride
        self.encoder = _Encoder(size, window)
        of_images = [FULL_CHANNELS, n // 2][decoder_stride - 1 :]
        self.out_channels = of_images[0]
        self.image_skips = nn.ModuleList(_conv(2, width) for width in of_images)
        coarse_to_fine = [8 * n, 4 * n, 2 * n, n, *reversed(of_images)]
        self.up = nn.ModuleList(_UpBlock(c_in, c_out) for c_in, c_out in pairwise(coarse_to_fine))

    def forward(self, moving: Float[Tensor, "B 1 X Y Z"], fixed: Float[Tensor, "B 1 X Y Z"]) -> Features:
        """F of the pair; the channel order is moving, fixed, as in the authors' code."""
        images = torch.cat([moving, fixed], dim=1)
        halved = F.avg_pool3d(images, 3, stride=2, padding=1)
        sources = [images, halved][self.stride - 1 :]
        skips = [skip(source) for skip, source in zip(self.image_skips, sources, strict=True)]
        skips += self.encoder(images)
        features = skips.pop()
        for block in self.up:
            features = block(features, skips.pop())
        return Features(features)


class _Encoder(nn.Module):
    """The images as tokens, and four stages of Swin blocks at 1/4, 1/8, 1/16 and 1/32."""

    def __init__(self, size: Size, window: Window) -> None:
        super().__init__()
        n = size.channels
        self.embed = nn.Conv3d(2, n, PATCH, stride=PATCH)
        self.embed_norm = nn.LayerNorm(n)
        # Deeper blocks are left out more often.
        drops = iter(torch.linspace(0, DROP_PATH, sum(size.depths), device="cpu").tolist())
        self.stages = nn.ModuleList()
        for level, (depth, heads) in enumerate(zip(size.depths, size.heads, strict=True)):
            blocks = [SwinBlock(n << level, heads, window, i % 2 == 1, next(drops)) for i in range(depth)]
            self.stages.append(nn.Sequential(*blocks))
        self.norms = nn.ModuleList(nn.LayerNorm(n << level) for level in range(4))
        self.merges = nn.ModuleList(PatchMerging(n << level) for level in range(3))

    def forward(self, images: Float[Tensor, "B 2 X Y Z"]) -> list[Tensor]:
        """The maps of the four stages (B, C, U, V, W), finest first."""
        tokens = self.embed_norm(self.embed(images).movedim(1, -1))
        maps = []
        for level, (stage, norm) in enumerate(zip(self.stages, self.norms, strict=True)):
            tokens = stage(self.merges[level - 1](tokens) if level else tokens)
            maps.append(norm(tokens).movedim(-1, 1))
        return maps


class _UpBlock(nn.Module):
    """Trilinear doubling, concatenation with the skip map of `c_out` channels, two convolutions."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.merge = nn.Sequential(_conv(c_in + c_out, c_out), _conv(c_out, c_out))

    def forward(
        self, coarse: Float[Tensor, "B C U V W"], skip: Float[Tensor, "B S X Y Z"]
    ) -> Float[Tensor, "B S X Y Z"]:
        grown = resized(coarse, skip.shape[2:])
        return self.merge(torch.cat([grown, skip], dim=1))


def _conv(c_in: int, c_out: int) -> nn.Sequential:
    return nn.Sequential(Conv3(c_in, c_out, bias=False), nn.InstanceNorm3d(c_out), nn.LeakyReLU(LEAK))
