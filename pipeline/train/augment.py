"""Random changes of a training subject: smooth motion, brightness, contrast, shading, noise."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F

from pipeline.network.warp import identity_grid, sample
from pipeline.train.subjects import Sample
from pipeline.typing import Float, Int, Tensor

__all__ = ["Greys", "augmented", "moved_labels", "random_deformation", "regreyed"]

MAX_ROTATION_RAD = math.radians(15)
MAX_LOG_SCALE = 0.18
MAX_SHIFT_VOX = 3.0
ELASTIC_STD_VOX = 2.0
MAX_LOG_GAMMA = 0.4
MAX_LOG_SHADING = 0.3
MAX_NOISE_STD = 0.05
KNOT_SPACING_VOX = 12
"""Distance of the knots of the elastic motion and of the shading, about the size of a small structure."""

Greys = Callable[[Tensor, torch.Generator, float], Tensor]
"""An image's grey values changed by random numbers, up to a strength."""


def augmented(
    subject: Sample, generator: torch.Generator, strength: float = 1.0, greys: Greys | None = None
) -> Sample:
    """The subject moved, and with other grey values.

    Mirroring is left out, since labels may have sides.

    Args:
        subject: what to change; it is not altered.
        generator: source of every random number.
        strength: factor of all the maxima; 0 returns the subject itself.
        greys: how the grey values change; None is `regreyed`.
    """
    if strength == 0:
        return subject
    deformation = random_deformation(subject.image, generator, strength)
    image = (greys or regreyed)(sample(subject.image, deformation), generator, strength)
    return replace(subject, image=image, labels=moved_labels(subject.labels, deformation))


def moved_labels(
    labels: Int[Tensor, "M X Y Z"], deformation: Float[Tensor, "1 3 X Y Z"]
) -> Int[Tensor, "M X Y Z"]:
    """M maps of region indices sampled at the nearest voxel; background outside."""
    return sample(labels[None].float(), deformation, mode="nearest")[0].round().long()


def regreyed(
    image: Float[Tensor, "1 1 X Y Z"], generator: torch.Generator, strength: float
) -> Float[Tensor, "1 1 X Y Z"]:
    """Gamma, smooth shading and noise on the content; the zero padding stays zero."""
    content = image > 0
    gamma = math.exp(_uniform(strength * MAX_LOG_GAMMA, generator))
    shading = _smooth_noise(image, 1, generator) * _uniform(strength * MAX_LOG_SHADING, generator)
    noise = torch.randn(image.shape, generator=generator) * _uniform(strength * MAX_NOISE_STD, generator)
    changed = image.clamp_min(0) ** gamma * shading.exp() + noise
    return (changed * content).clamp(0, 1)


def random_deformation(
    like: Float[Tensor, "1 1 X Y Z"],
    generator: torch.Generator,
    strength: float,
    shift_vox: Sequence[float] = (0.0, 0.0, 0.0),
) -> Float[Tensor, "1 3 X Y Z"]:
    """An absolute map in voxels: affine motion about the centre, then a smooth displacement.

    Args:
        like: on whose grid the map lies.
        generator: source of every random number.
        strength: factor of all the maxima.
        shift_vox: how much larger the maxima of the shift are along each axis, whatever the strength.
    """
    grid = identity_grid(like)
    centre = grid.mean(dim=(2, 3, 4), keepdim=True)
    rotation = torch.zeros(3, 3)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        angle = _uniform(strength * MAX_ROTATION_RAD, generator)
        rotation[i, j], rotation[j, i] = -angle, angle
    scale = torch.diag(torch.tensor([_uniform(strength * MAX_LOG_SCALE, generator) for _ in range(3)]))
    matrix = torch.linalg.matrix_exp(rotation + scale)
    shift = torch.tensor([_uniform(strength * MAX_SHIFT_VOX + more, generator) for more in shift_vox])
    elastic = _smooth_noise(like, 3, generator) * strength * ELASTIC_STD_VOX
    return (
        torch.einsum("ij,bjxyz->bixyz", matrix, grid - centre) + centre + shift.view(1, 3, 1, 1, 1) + elastic
    )


def _smooth_noise(
    like: Float[Tensor, "1 1 X Y Z"], channels: int, generator: torch.Generator
) -> Float[Tensor, "1 C X Y Z"]:
    """Standard normal values at knots, interpolated trilinearly to the grid of `like`."""
    knots = [max(2, round(side / KNOT_SPACING_VOX) + 1) for side in like.shape[2:]]
    coarse = torch.randn(1, channels, *knots, generator=generator)
    return F.interpolate(coarse, size=like.shape[2:], mode="trilinear", align_corners=True)


def _uniform(limit: float, generator: torch.Generator) -> float:
    return (torch.rand((), generator=generator).item() * 2 - 1) * limit
