"""The fine stage: small smooth updates, composed one after the other, at full resolution."""

import torch

from pipeline.general.config import FineConfig
from pipeline.network.correlation import LocalCorrelation
from pipeline.network.separable import gaussian_mean
from pipeline.network.warp import compose, warp
from pipeline.typing import Float, Tensor

__all__ = ["refined"]


def refined(
    moving: Float[Tensor, "1 1 X Y Z"],
    fixed: Float[Tensor, "1 1 X Y Z"],
    displacement: Float[Tensor, "1 3 X Y Z"],
    affine: Float[Tensor, "1 3 X Y Z"],
    config: FineConfig,
    weight: Float[Tensor, "1 1 X Y Z"] | None = None,
) -> Float[Tensor, "1 3 X Y Z"]:
    """A displacement after a few steps up the local correlation, each a smooth update composed with it.

    Each update is so long at its longest place as the configuration says. So the field moves where edges are
    plain, and noise moves it little.

    Args:
        moving: Image in 0..1.
        fixed: The same.
        displacement: In voxels.
        affine: The part of the displacement that is not smoothed.
        config: Steps and smoothing.
        weight: Of each voxel of the fixed image; None weighs all alike.

    References:
        Yushkevich et al. 2016, https://greedy.readthedocs.io; Vercauteren et al. 2009,
        https://doi.org/10.1016/j.neuroimage.2008.10.040
    """
    correlation = LocalCorrelation(fixed, config.window, config.contrast * config.window**6, weight)
    kept = affine - gaussian_mean(affine, config.total_sigma_vox)
    for _ in range(config.steps):
        warped = warp(moving, displacement)
        update = gaussian_mean(-correlation.slope(warped) * _gradient(warped), config.update_sigma_vox)
        longest = update.square().sum(1).max().sqrt()
        if longest == 0:
            break
        composed = compose(displacement, update * (config.step_vox / longest))
        displacement = gaussian_mean(composed, config.total_sigma_vox) + kept
    return displacement


def _gradient(image: Float[Tensor, "1 1 X Y Z"]) -> Float[Tensor, "1 3 X Y Z"]:
    """By differences; 0 along an axis of one voxel."""
    long = [axis for axis in (2, 3, 4) if image.shape[axis] > 1]
    found = dict(zip(long, torch.gradient(image, dim=long), strict=True))
    return torch.cat([found.get(axis, torch.zeros_like(image)) for axis in (2, 3, 4)], dim=1)
