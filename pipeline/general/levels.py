"""Resolutions: strides that bring a grid near to cubes, and what goes to such a level and comes back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from pairs.images.relation import Matrix
from pipeline.network.halfgrid import region_channels
from pipeline.network.warp import identity_grid, upsample_displacement
from pipeline.registration.preprocess import crop_to
from pipeline.typing import Float, Shaped, Tensor

__all__ = ["Level", "Strides", "affine_displacement", "averaged", "finest_factor", "strides_of", "voxels_at"]

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
        if voxels_at(shape, strides_of(factor, spacing_mm)) <= most_voxels:
            return factor
        factor *= 2


def voxels_at(shape: Sequence[int], strides: Strides) -> int:
    """How many blocks of voxels a grid has, those at its end that are not full among them."""
    return math.prod(-(-side // stride) for side, stride in zip(shape, strides, strict=True))


def averaged(volume: Shaped[Tensor, "B C X Y Z"], strides: Strides) -> Shaped[Tensor, "B C U V W"]:
    """Means over blocks of voxels; every side divides by its stride."""
    return volume if strides == (1, 1, 1) else F.avg_pool3d(volume, strides)


@dataclass(frozen=True)
class Level:
    """A box of voxels at a lower resolution, filled up to sides that can be divided.

    Attributes:
        shape: Of the full grid.
        strides: Full voxels in one of the level, along each axis.
        divisor: The level's sides are multiples of it.
        device: Where its tensors are.
    """

    shape: tuple[int, int, int]
    strides: Strides
    divisor: int
    device: torch.device

    @classmethod
    def within(
        cls,
        shape: Sequence[int],
        spacing_mm: Sequence[float],
        most_voxels: int,
        divisor: int,
        device: torch.device,
    ) -> "Level":
        """The finest one of at most so many voxels."""
        x, y, z = shape
        strides = strides_of(finest_factor(shape, spacing_mm, most_voxels), spacing_mm)
        return cls((x, y, z), strides, divisor, device)

    def of(self, volume: np.ndarray) -> Float[Tensor, "1 1 U V W"]:
        """A volume of the full grid, averaged; zeros fill it up."""
        full = torch.from_numpy(np.ascontiguousarray(volume, dtype=np.float32)).to(self.device)
        return averaged(F.pad(full[None, None], self._padding()), self.strides)

    def of_regions(
        self, labels: np.ndarray, confidence: np.ndarray, count: int
    ) -> Float[Tensor, "1 N U V W"]:
        """A channel for each of `count` regions: the confidence in it, averaged; zeros fill it up."""
        index, share = (
            F.pad(torch.from_numpy(np.ascontiguousarray(part, dtype)).to(self.device)[None], self._padding())
            for part, dtype in ((labels, np.int64), (confidence, np.float32))
        )
        return region_channels(index, share, count, self.strides)

    def of_displacement(self, displacement: Float[Tensor, "1 3 X Y Z"]) -> Float[Tensor, "1 3 U V W"]:
        """A displacement in full voxels as one in the level's; beyond the box it stays as at the edge."""
        filled = F.pad(displacement, self._padding(), mode="replicate")
        return averaged(filled, self.strides) / self._scale()

    def on_full_grid(self, displacement: Float[Tensor, "1 3 U V W"]) -> Float[Tensor, "1 3 X Y Z"]:
        """A displacement in voxels of the level as one in full voxels."""
        x, y, z = (n * stride for n, stride in zip(displacement.shape[2:], self.strides, strict=True))
        return crop_to(upsample_displacement(displacement * self._scale(), (x, y, z)), self.shape)

    def affine_displacement(self, matrix: Matrix) -> Float[Tensor, "1 3 U V W"]:
        """The displacement of an affine map of full voxels, in voxels of the level."""
        to_full = np.diag([*self.strides, 1.0])
        to_full[:3, 3] = (np.array(self.strides) - 1) / 2
        sides = [
            -(-side // (stride * self.divisor)) * self.divisor
            for side, stride in zip(self.shape, self.strides, strict=True)
        ]
        return affine_displacement(np.linalg.inv(to_full) @ matrix @ to_full, sides, self.device)

    def _padding(self) -> list[int]:
        """At the end of each axis, the last axis first, as torch wants it."""
        padding: list[int] = []
        for side, stride in zip(reversed(self.shape), reversed(self.strides), strict=True):
            padding += [0, -side % (stride * self.divisor)]
        return padding

    def _scale(self) -> Float[Tensor, "1 3 1 1 1"]:
        return torch.tensor(self.strides, dtype=torch.float32, device=self.device).view(1, 3, 1, 1, 1)


def affine_displacement(
    matrix: Matrix, shape: Sequence[int], device: torch.device
) -> Float[Tensor, "1 3 X Y Z"]:
    """The displacement of an affine map, (4, 4), of voxels to voxels."""
    linear = torch.from_numpy(matrix[:3, :3] - np.eye(3)).to(device, torch.float32)
    shift = torch.from_numpy(matrix[:3, 3]).to(device, torch.float32)
    indices = identity_grid(torch.empty(1, 1, *shape, device=device))
    return torch.einsum("ij,bjxyz->bixyz", linear, indices) + shift.view(1, 3, 1, 1, 1)
