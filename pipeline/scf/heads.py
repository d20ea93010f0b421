"""Heads: from the feature map F to the displacement on F's grid."""

import torch
from torch import nn

from pipeline.scf.response import blend_responses
from pipeline.typing import Float, Int, Tensor

__all__ = ["FilterTableHead", "PlainHead", "TextHead"]

LAST_LAYER_STD = 1e-3
"""Small start of the last layer, so that training begins near the identity and not with a random field."""


class TextHead(nn.Module):
    """The head in training: an MLP Phi turns each region's text vector into that region's filter.

    Phi is Linear(C1, M) ReLU Linear(M, 2M) ReLU Linear(2M, C2 * 3) (textSCF section III-B, C_Phi = M).

    Args:
        embeddings: B, one row a region, row 0 the background.
        channels: C2.
        width: C_Phi.
    """

    def __init__(self, embeddings: Float[Tensor, "N C1"], channels: int, width: int) -> None:
        super().__init__()
        self.channels = channels
        self.embeddings: Tensor
        self.register_buffer("embeddings", embeddings.clone())
        last = nn.Linear(2 * width, channels * 3)
        nn.init.normal_(last.weight, std=LAST_LAYER_STD)
        nn.init.zeros_(last.bias)
        self.mlp = nn.Sequential(
            nn.Linear(embeddings.shape[1], width),
            nn.ReLU(),
            nn.Linear(width, 2 * width),
            nn.ReLU(),
            last,
        )
        self.free_filter = nn.Parameter(torch.randn(channels, 3) * LAST_LAYER_STD)

    def filters(self) -> Float[Tensor, "N C2 3"]:
        """w of every region: Phi(B)."""
        return self.mlp(self.embeddings).view(-1, self.channels, 3)

    def forward(
        self,
        features: Float[Tensor, "B C2 X Y Z"],
        labels: Int[Tensor, "B X Y Z"],
        confidence: Float[Tensor, "B X Y Z"],
    ) -> Float[Tensor, "B 3 X Y Z"]:
        """Displacement on F's grid."""
        return blend_responses(features, self.filters(), self.free_filter, labels, confidence)


class FilterTableHead(nn.Module):
    """The head at run time: the table Phi(B) is stored, so neither CLIP nor Phi is needed.

    Args:
        regions: N.
        channels: C2.
    """

    def __init__(self, regions: int, channels: int) -> None:
        super().__init__()
        self.filters = nn.Parameter(torch.zeros(regions, channels, 3))
        self.free_filter = nn.Parameter(torch.zeros(channels, 3))

    @classmethod
    def from_text_head(cls, head: TextHead) -> "FilterTableHead":
        """The run-time twin of a trained head; both give the same displacement."""
        table = cls(head.embeddings.shape[0], head.channels)
        table.filters.data.copy_(head.filters().detach())
        table.free_filter.data.copy_(head.free_filter.detach())
        return table

    def forward(
        self,
        features: Float[Tensor, "B C2 X Y Z"],
        labels: Int[Tensor, "B X Y Z"],
        confidence: Float[Tensor, "B X Y Z"],
    ) -> Float[Tensor, "B 3 X Y Z"]:
        """Displacement on F's grid."""
        return blend_responses(features, self.filters, self.free_filter, labels, confidence)


class PlainHead(nn.Module):
    """The baseline: one 3x3x3 convolution for all voxels, blind to regions, as in the published backbones.

    Args:
        channels: C2.
        bias: whether the published network has one there.
    """

    def __init__(self, channels: int, bias: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv3d(channels, 3, 3, padding=1, bias=bias)
        nn.init.normal_(self.conv.weight, std=LAST_LAYER_STD)
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)

    def forward(
        self,
        features: Float[Tensor, "B C2 X Y Z"],
        labels: Int[Tensor, "B X Y Z"],
        confidence: Float[Tensor, "B X Y Z"],
    ) -> Float[Tensor, "B 3 X Y Z"]:
        """Displacement on F's grid; labels and confidence are not looked at."""
        return self.conv(features)
