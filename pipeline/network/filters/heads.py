"""Heads: from the feature map F to the displacement on F's grid."""

from abc import abstractmethod
from typing import Literal

import torch
from torch import nn

from pipeline.network.filters.phi import LAST_LAYER_STD, MlpKind, build_phi
from pipeline.network.filters.response import blend_responses, region_response
from pipeline.typing import Float, Int, Tensor

__all__ = ["Blend", "FilterTableHead", "PlainHead", "TextHead"]

Blend = Literal["paper", "official"]


class _RegionHead(nn.Module):
    """What the head in training and the one at run time share: how the filters of the regions are applied.

    The part that is blind to regions is `free_filter`, w_r of the paper's Eq. 4, or `free_conv`, the 3x3x3
    convolution that the authors' code adds in its place; the confidence counts in the former only.

    Args:
        channels: C2.
        blend: `paper` for p w^T F + (1 - p) w_r^T F, `official` for w^T F + conv(F).
    """

    def __init__(self, channels: int, blend: Blend) -> None:
        super().__init__()
        self.channels = channels
        self.blend = blend

    def extra_repr(self) -> str:
        """Returns the sizes, and how the filters are put together."""
        return f"regions={self.region_count}, channels={self.channels}, blend={self.blend}"

    @property
    @abstractmethod
    def region_count(self) -> int:
        """N, background included."""

    def _add_free_part(self) -> None:
        # After Phi: a seed then gives the weights that it gave before there was a choice of the blend.
        if self.blend == "paper":
            self.free_filter = nn.Parameter(torch.randn(self.channels, 3) * LAST_LAYER_STD)
        else:
            self.free_conv = _field_convolution(self.channels, bias=True)

    @abstractmethod
    def region_filters(self) -> Float[Tensor, "N C2 3"]:
        """w of every region."""

    def forward(
        self,
        features: Float[Tensor, "B C2 X Y Z"],
        labels: Int[Tensor, "B X Y Z"],
        confidence: Float[Tensor, "B X Y Z"],
    ) -> Float[Tensor, "B 3 X Y Z"]:
        """Displacement on F's grid."""
        filters = self.region_filters()
        if self.blend == "paper":
            return blend_responses(features, filters, self.free_filter, labels, confidence)
        return region_response(features, filters, labels) + self.free_conv(features)


class TextHead(_RegionHead):
    """The head in training: an MLP Phi turns each region's text vector into that region's filter.

    Args:
        embeddings: B, one row a region, row 0 the background.
        channels: C2.
        width: C_Phi.
        mlp: one MLP for all components, or one each.
        blend: how region filters and the region-free part are put together.

    References:
        Chen et al., textSCF, section III-B, https://arxiv.org/abs/2311.15607
    """

    def __init__(
        self,
        embeddings: Float[Tensor, "N C1"],
        channels: int,
        width: int,
        mlp: MlpKind = "shared",
        blend: Blend = "paper",
    ) -> None:
        super().__init__(channels, blend)
        self.embeddings: Tensor
        self.register_buffer("embeddings", embeddings.clone())
        self.mlp = build_phi(mlp, embeddings.shape[1], width, channels)
        self._add_free_part()

    def extra_repr(self) -> str:
        """Returns the sizes, the text vectors' length among them."""
        return f"{super().extra_repr()}, text_length={self.embeddings.shape[1]}"

    @property
    def region_count(self) -> int:
        """Rows of the text vectors."""
        return len(self.embeddings)

    def region_filters(self) -> Float[Tensor, "N C2 3"]:
        """w of every region: Phi(B)."""
        return self.mlp(self.embeddings).view(-1, self.channels, 3)


class FilterTableHead(_RegionHead):
    """The head at run time: the table Phi(B) is stored, so neither CLIP nor Phi is needed.

    Args:
        regions: N.
        channels: C2.
        blend: as in training.
    """

    def __init__(self, regions: int, channels: int, blend: Blend = "paper") -> None:
        super().__init__(channels, blend)
        self.filters = nn.Parameter(torch.empty(regions, channels, 3))
        self._add_free_part()
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    @classmethod
    def from_text_head(cls, head: TextHead, regions: int | None = None) -> "FilterTableHead":
        """The run-time twin of a trained head; both give the same displacement.

        Args:
            head: Trained.
            regions: How many rows of its table are kept; all where None.
        """
        filters = head.region_filters().detach()[:regions]
        table = cls(len(filters), head.channels, head.blend)
        free = {name: value for name, value in head.state_dict().items() if name.startswith("free_")}
        table.load_state_dict({"filters": filters} | free)
        return table

    @property
    def region_count(self) -> int:
        """Rows of the table."""
        return len(self.filters)

    def region_filters(self) -> Float[Tensor, "N C2 3"]:
        """w of every region: the table."""
        return self.filters


class PlainHead(nn.Module):
    """The baseline: one 3x3x3 convolution for all voxels, blind to regions, as in the published backbones.

    Args:
        channels: C2.
        bias: whether the published network has one there.
    """

    def __init__(self, channels: int, bias: bool = False) -> None:
        super().__init__()
        self.channels = channels
        self.conv = _field_convolution(channels, bias)

    def extra_repr(self) -> str:
        """Returns C2."""
        return f"channels={self.channels}"

    def forward(
        self,
        features: Float[Tensor, "B C2 X Y Z"],
        labels: Int[Tensor, "B X Y Z"],
        confidence: Float[Tensor, "B X Y Z"],
    ) -> Float[Tensor, "B 3 X Y Z"]:
        """Displacement on F's grid; labels and confidence are not looked at."""
        return self.conv(features)


def _field_convolution(channels: int, bias: bool) -> nn.Conv3d:
    """The 3x3x3 convolution that ends the published backbones, with a small start."""
    conv = nn.Conv3d(channels, 3, 3, padding=1, bias=bias)
    nn.init.normal_(conv.weight, std=LAST_LAYER_STD)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv
