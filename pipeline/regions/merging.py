"""SwinUNETR's patch merging as it was before MONAI 1.5, which the public BTCV weights were trained with."""

import torch
import torch.nn.functional as F
from monai.networks.nets.swin_unetr import PatchMergingV2

from pipeline.typing import Float, Tensor

__all__ = ["SUB_GRIDS", "LegacyPatchMerging"]

SUB_GRIDS = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (0, 1, 0), (0, 0, 1), (1, 1, 1))
"""First voxel of each sub-grid of stride 2; two of the eight come twice, (1, 1, 0) and (0, 1, 1) never."""


class LegacyPatchMerging(PatchMergingV2):
    """Merges eight neighbouring patches into one, two of them twice in the place of two others.

    MONAI 1.5 mended the slip (PR 8285) under the same parameter names, so weights from before load without a
    complaint into a network that then feeds other patches to every merging layer.
    """

    def forward(self, x: Float[Tensor, "B X Y Z C"]) -> Float[Tensor, "B U V W D"]:
        """Half of each side, rounded up, and twice the channels."""
        x = F.pad(x, [0, 0, *(side for axis in (3, 2, 1) for side in (0, x.shape[axis] % 2))])
        parts = [x[:, i::2, j::2, k::2] for i, j, k in SUB_GRIDS]
        return self.reduction(self.norm(torch.cat(parts, dim=-1)))
