"""The backbones by name."""

from collections.abc import Callable
from typing import Protocol

from pairs.errors import UsageError
from pipeline.backbones.lkunet import LKUNet
from pipeline.typing import Float, Tensor

__all__ = ["BACKBONES", "Backbone", "build_backbone"]


class Backbone(Protocol):
    """What a backbone offers to the rest of the pipeline."""

    out_channels: int
    """C2, channels of F."""
    stride: int
    """Voxels of the input grid per voxel of F (1, 2 or 4)."""
    size_multiple: int
    """Every input side must be a multiple of this."""

    def __call__(
        self, moving: Float[Tensor, "B 1 X Y Z"], fixed: Float[Tensor, "B 1 X Y Z"]
    ) -> Float[Tensor, "B C2 U V W"]:
        """F of the pair."""
        ...


BACKBONES: dict[str, Callable[[int, int], LKUNet]] = {"lkunet": LKUNet}


def build_backbone(name: str, start_channels: int, decoder_stride: int) -> LKUNet:
    """The backbone `name` with fresh weights.

    Raises:
        UsageError: the name is not in `BACKBONES`.
    """
    if name not in BACKBONES:
        raise UsageError("unknown backbone", expected=f"one of {', '.join(sorted(BACKBONES))}", got=name)
    return BACKBONES[name](start_channels, decoder_stride)
