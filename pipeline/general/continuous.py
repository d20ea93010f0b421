"""The continuous stage: gradient descent on a stationary velocity, from coarse to fine."""

from dataclasses import dataclass

import torch

from pipeline.general.config import ContinuousConfig
from pipeline.general.levels import Strides, averaged
from pipeline.general.similarity import Compared, Similarity
from pipeline.network.losses import challenge_dice_loss, gradient_loss, volume_loss
from pipeline.network.warp import compose, integrate, upsample_displacement, warp
from pipeline.typing import Float, Tensor

__all__ = ["Pair", "continuous_displacement"]


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

    def at(self, stride: int) -> "Pair":
        """The pair averaged over blocks of voxels."""
        strides: Strides = (stride, stride, stride)
        besides = (self.weight, self.moving_regions, self.fixed_regions)
        rest = (None if part is None else averaged(part, strides) for part in besides)
        return Pair(averaged(self.moving, strides), averaged(self.fixed, strides), *rest)


def continuous_displacement(
    pair: Pair, start: Float[Tensor, "1 3 X Y Z"], kind: Compared, config: ContinuousConfig
) -> Float[Tensor, "1 3 X Y Z"]:
    """The displacement `start` followed by one more, exp(v), that makes the pair alike.

    Minimises the unlikeness of the images, the regions' Dice loss where there are regions, and the velocity's
    roughness. Voxels are those of the finest level, whose sides divide by the coarsest stride and the
    velocity's.

    Args:
        pair: Images and regions.
        start: In voxels.
        kind: What of the images is compared.
        config: Levels, steps and weights.

    References:
        Arsigny et al. 2006, https://doi.org/10.1007/11866565_113; Siebert et al. 2021,
        https://arxiv.org/abs/2112.03053
    """
    shape = pair.fixed.shape[2:]
    velocity = start.new_zeros(1, 3, *(side // config.control for side in shape))
    for stride, steps in config.levels:
        velocity = _descended(velocity, pair.at(stride), start, stride, steps, kind, config)
    step = upsample_displacement(integrate(velocity, config.squarings) * config.control, shape)
    return compose(start, step)


def _descended(
    velocity: Float[Tensor, "1 3 P Q R"],
    pair: Pair,
    start: Float[Tensor, "1 3 X Y Z"],
    stride: int,
    steps: int,
    kind: Compared,
    config: ContinuousConfig,
) -> Float[Tensor, "1 3 P Q R"]:
    """The velocity after the steps of one level."""
    shape, scale = pair.fixed.shape[2:], config.control / stride
    start = averaged(start, (stride, stride, stride)) / stride
    similarity = Similarity(pair.moving, pair.fixed, kind, config.window, config.contrast, pair.weight)
    source, compared = similarity.moving, similarity.moving.shape[1]
    if pair.moving_regions is not None:
        source = torch.cat([source, pair.moving_regions], dim=1)
    with torch.enable_grad():
        velocity = velocity.clone().requires_grad_(True)
        optimizer = torch.optim.Adam([velocity], lr=config.learning_rate_vox, betas=config.moments)
        for number in range(steps):
            optimizer.param_groups[0]["lr"] = config.learning_rate_vox * (1 - number / steps)
            step = upsample_displacement(integrate(velocity, config.squarings) * scale, shape)
            displacement = compose(start, step)
            warped = warp(source, displacement)
            loss = similarity.loss(warped[:, :compared]) + config.smoothness * gradient_loss(velocity)
            if config.volume > 0:
                loss = loss + config.volume * volume_loss(displacement)
            if pair.fixed_regions is not None:
                loss = loss + config.regions * challenge_dice_loss(warped[:, compared:], pair.fixed_regions)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return velocity.detach()
