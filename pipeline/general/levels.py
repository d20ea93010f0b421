"""Resolutions: strides that bring a grid near to cubes, and images averaged over them."""

import math
from collections.abc import Sequence

import torch.nn.functional as F

from pipeline.typing import Shaped, Tensor

__all__ = ["Strides", "averaged", "finest_factor", "strides_of"]

Strides = tuple[int, int, int]


def strides_of(factor: int, spacing_mm: Sequence[float]) -> Strides:
    """A power of two along each axis, for voxels near to cubes of `factor` times the smallest spacing.

    Args:
        factor: At least 1.
        spacing_mm: Of the full grid.
    """
    wanted = factor * min(spacing_mm)
    x, y, z = (2 ** max(0, round(math.log2(wanted / side))) for side in spacing_mm)
    return x, y, z


def finest_factor(shape: Sequence[int], spacing_mm: Sequence[float], most_voxels: int) -> int:
    """The smallest power of two at which the grid has at most so many voxels."""
    factor = 1
    while True:
        strides = strides_of(factor, spacing_mm)
        voxels = math.prod(-(-side // stride) for side, stride in zip(shape, strides, strict=True))
        if voxels <= most_voxels:
            return factor
        factor *= 2


def averaged(volume: Shaped[Tensor, "B C X Y Z"], strides: Strides) -> Shaped[Tensor, "B C U V W"]:
    """Means over blocks of voxels; every side divides by its stride."""
    return volume if strides == (1, 1, 1) else F.avg_pool3d(volume, strides)
