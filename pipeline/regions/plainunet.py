"""The plain U-Net of nnU-Net, of MONAI's blocks for it; in training each level has logits of its own."""

from collections.abc import Sequence
from itertools import pairwise

from monai.networks.blocks.dynunet_block import UnetBasicBlock, UnetOutBlock, UnetUpBlock
from torch import nn

from pipeline.typing import Float, Tensor

__all__ = ["PlainUNet"]

NORM = ("instance", {"affine": True})


class PlainUNet(nn.Module):
    """Two convolutions a level, the first level on the full grid.

    Args:
        channels: of the levels, finest first; each has half the sides of the one before.
        classes: of the logits.

    References:
        Isensee et al. 2021, nnU-Net, https://doi.org/10.1038/s41592-020-01008-z
    """

    def __init__(self, channels: Sequence[int], classes: int) -> None:
        super().__init__()
        inputs, strides = (1, *channels[:-1]), (1, *(2 for _ in channels[1:]))
        self.down = nn.ModuleList(
            UnetBasicBlock(3, before, after, kernel_size=3, stride=stride, norm_name=NORM)
            for before, after, stride in zip(inputs, channels, strides, strict=True)
        )
        self.up = nn.ModuleList(
            UnetUpBlock(3, coarse, fine, kernel_size=3, stride=1, upsample_kernel_size=2, norm_name=NORM)
            for fine, coarse in pairwise(channels)
        )
        self.logits = nn.ModuleList(UnetOutBlock(3, width, classes) for width in channels[:-1])

    def forward(self, image: Float[Tensor, "B 1 X Y Z"]) -> Tensor | list[Tensor]:
        """Logits (B, N, X, Y, Z); in training those of every level but the coarsest, finest first."""
        skips: list[Tensor] = []
        features = image
        for block in self.down:
            features = block(features)
            skips.append(features)
        levels: list[Tensor] = []
        for level in reversed(range(len(self.up))):
            features = self.up[level](features, skips[level])
            if self.training or level == 0:
                levels.insert(0, self.logits[level](features))
        return levels if self.training else levels[0]
