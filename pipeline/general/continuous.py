"""The continuous stage: gradient descent on a stationary velocity, from coarse to fine."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch

from pipeline.general.config import ContinuousConfig
from pipeline.general.levels import Strides, averaged
from pipeline.general.similarity import Compared, Similarity
from pipeline.network.descent import Adam
from pipeline.network.losses import challenge_dice_loss, gradient_loss, volume_loss
from pipeline.network.warp import integrate, upsample_displacement, warp
from pipeline.typing import Float, Tensor

__all__ = ["Pair", "continuous_displacement"]

_LOGARITHM_STEPS = 4
# Steps over which a level has to gain something.
_PATIENCE = 10


@dataclass(frozen=True, eq=False)
class Pair:
    """What is compared, on the finest level.

    Attributes:
        moving: Image in 0..1.
        fixed: Image in 0..1.
        weight: Of each voxel of the fixed image in the similarity; None weighs all alike.
        moving_regions: A channel for each region; None without regions.
        fixed_regions: The same of the fixed image.
    """

    moving: Float[Tensor, "1 1 X Y Z"]
    fixed: Float[Tensor, "1 1 X Y Z"]
    weight: Float[Tensor, "1 1 X Y Z"] | None = None
    moving_regions: Float[Tensor, "1 N X Y Z"] | None = None
    fixed_regions: Float[Tensor, "1 N X Y Z"] | None = None

    def with_moving_warped(self, displacement: Float[Tensor, "1 3 X Y Z"]) -> "Pair":
        """The pair with the moving image, and its regions, pulled back by a displacement."""
        regions = self.moving_regions
        warped = None if regions is None else warp(regions, displacement)
        return replace(self, moving=warp(self.moving, displacement), moving_regions=warped)

    def at(self, stride: int) -> "Pair":
        """The images, without regions, averaged over blocks of voxels."""
        strides: Strides = (stride, stride, stride)
        weight = None if self.weight is None else averaged(self.weight, strides)
        return Pair(averaged(self.moving, strides), averaged(self.fixed, strides), weight)

    def regions_stride(self, stride: int, most: int) -> int:
        """The stride of a level, doubled once where its regions would be too many values."""
        channels = self.moving_regions
        too_many = channels is not None and channels.numel() / stride**3 > most
        fits = all(side % (2 * stride) == 0 for side in self.fixed.shape[2:])
        return 2 * stride if too_many and fits else stride

    def regions_at(self, stride: int) -> "Regions | None":
        """The regions averaged over blocks of voxels."""
        if self.moving_regions is None or self.fixed_regions is None:
            return None
        strides: Strides = (stride, stride, stride)
        return Regions(averaged(self.moving_regions, strides), averaged(self.fixed_regions, strides))


class Regions(NamedTuple):
    """A channel for each region."""

    moving: Float[Tensor, "1 N X Y Z"]
    fixed: Float[Tensor, "1 N X Y Z"]


def continuous_displacement(
    pair: Pair, start: Float[Tensor, "1 3 X Y Z"], kind: Compared, config: ContinuousConfig
) -> Float[Tensor, "1 3 X Y Z"]:
    """The displacement exp(v) that makes a pair alike, by a descent that begins at another displacement.

    Minimises the unlikeness of the images, the regions' Dice loss where there are regions, the velocity's
    roughness and local changes of volume. Voxels are those of the finest level, whose sides divide by the
    coarsest stride and the velocity's.

    Args:
        pair: Images and regions.
        start: In voxels.
        kind: What of the images is compared.
        config: Levels, steps and weights.

    References:
        Arsigny et al. 2006, https://doi.org/10.1007/11866565_113; Siebert et al. 2021,
        https://arxiv.org/abs/2112.03053
    """
    control = config.control
    coarse_start = averaged(start, (control, control, control)) / control
    first = velocity = _velocity_of(coarse_start, config.squarings)
    for stride, steps in config.levels:
        velocity = _descended(velocity, first, pair, stride, steps, kind, config)
    return upsample_displacement(integrate(velocity, config.squarings) * control, start.shape[2:])


def _velocity_of(displacement: Float[Tensor, "1 3 P Q R"], squarings: int) -> Float[Tensor, "1 3 P Q R"]:
    """A velocity whose exponential comes near to a displacement, by a few fixed-point steps."""
    velocity = displacement
    for _ in range(_LOGARITHM_STEPS):
        velocity = velocity + 0.5 * (displacement - integrate(velocity, squarings))
    return velocity


def _descended(
    velocity: Float[Tensor, "1 3 P Q R"],
    first: Float[Tensor, "1 3 P Q R"],
    pair: Pair,
    stride: int,
    steps: int,
    kind: Compared,
    config: ContinuousConfig,
) -> Float[Tensor, "1 3 P Q R"]:
    """The best velocity of one level's steps: images that are alike already are left alone."""
    images, control = pair.at(stride), config.control
    coarser = pair.regions_stride(stride, config.most_of_regions)
    regions = pair.regions_at(coarser)
    compared = Similarity(images.moving, images.fixed, kind, config.window, config.contrast, images.weight)
    with torch.enable_grad():
        velocity = velocity.clone().requires_grad_(True)
        descent = Adam([velocity], config.moments)
        best, reached = velocity.detach(), list[float]()
        for number in range(steps + 1):
            coarse = integrate(velocity, config.squarings)
            loss = compared.loss(_warped(compared.moving, coarse, control / stride))
            loss = loss + config.smoothness * gradient_loss(velocity - first)
            if config.volume > 0:
                loss = loss + config.volume * volume_loss(coarse)
            if regions is not None:
                warped = _warped(regions.moving, coarse, control / coarser)
                loss = loss + config.regions * challenge_dice_loss(warped, regions.fixed)
            reached.append(loss.item())
            if reached[-1] == min(reached):
                best = velocity.detach().clone()
            stalled = number >= _PATIENCE and reached[-1 - _PATIENCE] - reached[-1] < config.least_gain
            if stalled or number == steps:
                break
            descent.step(loss, config.learning_rate_vox * (1 - number / steps))
    return best


def _warped(
    channels: Float[Tensor, "1 C X Y Z"], displacement: Float[Tensor, "1 3 P Q R"], scale: float
) -> Float[Tensor, "1 C X Y Z"]:
    """Channels warped by a displacement on the velocity's grid, of which a voxel is `scale` of theirs."""
    return warp(channels, upsample_displacement(displacement * scale, channels.shape[2:]))
