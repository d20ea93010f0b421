"""Phi: the MLP that turns a text vector, or a voxel's coordinates, into a filter."""

from typing import Literal

import torch
from torch import nn

from pipeline.typing import Float, Tensor

__all__ = ["LAST_LAYER_STD", "MlpKind", "PerAxisMlp", "build_phi"]

MlpKind = Literal["shared", "per_axis"]

LAST_LAYER_STD = 1e-3
"""Small start of the last layer, so that training begins near the identity and not with a random field."""


class PerAxisMlp(nn.Module):
    """One MLP for each component of the displacement, as in the authors' code.

    Args:
        inputs: length of the vector that it reads.
        width: C_Phi.
        channels: C2.
    """

    def __init__(self, inputs: int, width: int, channels: int) -> None:
        super().__init__()
        self.x, self.y, self.z = (_mlp(inputs, width, channels) for _ in range(3))

    def forward(self, vectors: Float[Tensor, "N C1"]) -> Float[Tensor, "N K"]:
        """C2 * 3 values a row, the component counting fastest, as from the shared MLP."""
        return torch.stack([mlp(vectors) for mlp in (self.x, self.y, self.z)], dim=2).flatten(1)


def build_phi(kind: MlpKind, inputs: int, width: int, channels: int) -> nn.Module:
    """Phi with C2 * 3 outputs: Linear(C1, M) ReLU Linear(M, 2M) ReLU Linear(2M, .) (textSCF section III-B).

    Args:
        kind: `shared` is one MLP with all outputs, as the paper has it; `per_axis` three with C2 each.
        inputs: C1.
        width: M, C_Phi of the paper.
        channels: C2.
    """
    return _mlp(inputs, width, channels * 3) if kind == "shared" else PerAxisMlp(inputs, width, channels)


def _mlp(inputs: int, width: int, outputs: int) -> nn.Sequential:
    last = nn.Linear(2 * width, outputs)
    nn.init.normal_(last.weight, std=LAST_LAYER_STD)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, 2 * width), nn.ReLU(), last)
