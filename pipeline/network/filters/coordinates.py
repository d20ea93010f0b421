"""The head without text or regions: a filter for every voxel from its coordinates (row 0 of Table 1)."""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from pipeline.network.filters.phi import MlpKind, build_phi
from pipeline.typing import Float, Int, Tensor

__all__ = ["CoordinatesHead", "normalised_coordinates"]

VOXELS_AT_ONCE = 2**14
"""Phi's hidden layer has 2 C_Phi values a voxel: 268 MB for so many voxels at the paper's width of 2048."""


class CoordinatesHead(nn.Module):
    """u = Phi(x)^T F with Phi reading the voxel's place, the spatially covariant filters before textSCF.

    It cannot become a table: filters of all voxels of 96x80x128 with C2 = 64 are 755 MB, and fit one grid
    only. So it is the same in training and at run time.

    Args:
        channels: C2.
        width: C_Phi.
        mlp: one MLP for all components, or one each.
    """

    def __init__(self, channels: int, width: int, mlp: MlpKind = "shared") -> None:
        super().__init__()
        self.channels = channels
        self.mlp = build_phi(mlp, 3, width, channels)

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
        shape = features.shape[2:]
        places = normalised_coordinates(features).split(VOXELS_AT_ONCE)
        columns = features.flatten(2).split(VOXELS_AT_ONCE, dim=2)
        # Recomputed in the backward pass: hidden layers of all voxels would be tens of gigabytes.
        parts = [
            checkpoint(self._response, place, column, use_reentrant=False)
            if torch.is_grad_enabled()
            else self._response(place, column)
            for place, column in zip(places, columns, strict=True)
        ]
        return torch.cat(parts, dim=2).unflatten(2, shape)

    def _response(
        self, places: Float[Tensor, "V 3"], columns: Float[Tensor, "B C2 V"]
    ) -> Float[Tensor, "B 3 V"]:
        filters = self.mlp(places).view(-1, self.channels, 3)
        return torch.einsum("bcv,vcd->bdv", columns, filters)


def normalised_coordinates(like: Float[Tensor, "B C X Y Z"]) -> Float[Tensor, "V 3"]:
    """Place of every voxel in array order, -1 at the first and 1 at the last of each axis."""
    axes = [torch.linspace(-1, 1, side, device=like.device, dtype=like.dtype) for side in like.shape[2:]]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, 2)
