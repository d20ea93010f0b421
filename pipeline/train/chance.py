"""Random numbers, smooth noise and motions by which training images are changed or drawn."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from pipeline.typing import Float, Tensor

__all__ = ["affine_motion", "happens", "smooth_noise", "uniform"]


def uniform(generator: torch.Generator, low: float, high: float) -> float:
    """A number from `low` to `high`, each as likely."""
    return low + (high - low) * torch.rand((), generator=generator).item()


def happens(generator: torch.Generator, probability: float) -> bool:
    """Whether something does that has this probability."""
    return uniform(generator, 0.0, 1.0) < probability


def smooth_noise(
    generator: torch.Generator, channels: int, shape: Sequence[int], knots_vox: float
) -> Float[Tensor, "1 C X Y Z"]:
    """Standard normal values at knots, interpolated trilinearly to (X, Y, Z).

    Args:
        generator: source of every random number.
        channels: C, each apart from the others.
        shape: sides of the grid.
        knots_vox: distance between the knots in voxels.
    """
    knots = [max(2, round(side / knots_vox) + 1) for side in shape]
    coarse = torch.randn(1, channels, *knots, generator=generator)
    return F.interpolate(coarse, size=tuple(shape), mode="trilinear", align_corners=True)


def affine_motion(
    generator: torch.Generator, rotation_rad: float, log_scale: float, shear: float = 0.0
) -> Float[Tensor, "3 3"]:
    """A turn about each axis, a scale along each, and shears; the arguments are the largest of them."""
    exponent = torch.zeros(3, 3)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        angle = uniform(generator, -rotation_rad, rotation_rad)
        exponent[i, j], exponent[j, i] = -angle, angle
    for i in range(3):
        exponent[i, i] = uniform(generator, -log_scale, log_scale)
    if shear > 0:
        drawn = [[uniform(generator, -shear, shear) for _ in range(3)] for _ in range(3)]
        exponent += torch.tensor(drawn) * (1 - torch.eye(3))
    return torch.linalg.matrix_exp(exponent)
