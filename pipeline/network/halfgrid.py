"""Registration on the half grid: images averaged over 2x2x2 voxels, displacements brought back."""

import math
from itertools import product

import torch.nn.functional as F

from pipeline.network.filters.response import to_feature_grid
from pipeline.network.model import RegistrationOutput
from pipeline.network.warp import upsample_displacement
from pipeline.typing import Float, Int, Tensor

__all__ = ["doubled_map", "halved_image", "halved_map", "on_full_grid", "region_channels"]


def halved_image(image: Float[Tensor, "B C X Y Z"]) -> Float[Tensor, "B C U V W"]:
    """The mean of each 2x2x2 voxels; sides are even."""
    return F.avg_pool3d(image, 2)


def halved_map(regions: Tensor) -> Tensor:
    """Every second voxel of (B, X, Y, Z) region indices or confidences, which cannot be averaged apart."""
    return to_feature_grid(regions, 2)


def doubled_map(values: Float[Tensor, "B C U V W"]) -> Float[Tensor, "B C X Y Z"]:
    """What was learnt from a `halved_map`, on the full grid: value i lies at voxel 2 i, linear in between.

    Behind the last value it stays the same.
    """
    between = [2 * side - 1 for side in values.shape[2:]]
    full = F.interpolate(values, size=between, mode="trilinear", align_corners=True)
    return F.pad(full, [0, 1, 0, 1, 0, 1], mode="replicate")


def region_channels(
    labels: Int[Tensor, "B X Y Z"],
    confidence: Float[Tensor, "B X Y Z"],
    regions: int,
    strides: tuple[int, int, int] = (2, 2, 2),
) -> Float[Tensor, "B N U V W"]:
    """Each region as one channel of p, averaged over blocks of voxels; every side divides by its stride.

    The channels of the full grid, which of 36 regions of a brain take a gigabyte, are never there.
    """
    sides = (side // stride for side, stride in zip(labels.shape[1:], strides, strict=True))
    channels = confidence.new_zeros(len(labels), regions, *sides)
    for first in product(*map(range, strides)):
        part = (slice(None), *map(slice, first, (None,) * 3, strides))
        channels.scatter_add_(1, labels[part][:, None], confidence[part][:, None] / math.prod(strides))
    return channels


def on_full_grid(output: RegistrationOutput, shape: tuple[int, ...]) -> RegistrationOutput:
    """What a network on the half grid says, for the full grid.

    Half-grid voxel i has its centre at 2 i + 0.5 in both images, so displacements double and lie where
    `upsample_displacement` has them. What the smoothness loss looks at stays on its own grid.

    Args:
        output: displacement in half-grid voxels.
        shape: sides of the full grid.
    """
    x, y, z = shape
    full = upsample_displacement(2 * output.displacement, (x, y, z))
    return RegistrationOutput(full, output.regularised)
