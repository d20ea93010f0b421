"""Random changes of a training subject: smooth motion, brightness, contrast, shading, noise."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from pipeline.network.warp import identity_grid, sample
from pipeline.train.chance import affine_motion, smooth_noise, uniform
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
KNOT_SPACING_VOX = 12.0
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
    gamma = math.exp(strength * uniform(generator, -MAX_LOG_GAMMA, MAX_LOG_GAMMA))
    shading = smooth_noise(generator, 1, image.shape[2:], KNOT_SPACING_VOX)
    shading = shading * strength * uniform(generator, -MAX_LOG_SHADING, MAX_LOG_SHADING)
    noise = torch.randn(image.shape, generator=generator)
    noise = noise * strength * uniform(generator, -MAX_NOISE_STD, MAX_NOISE_STD)
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
    matrix = affine_motion(generator, strength * MAX_ROTATION_RAD, strength * MAX_LOG_SCALE)
    most = (strength * MAX_SHIFT_VOX + more for more in shift_vox)
    shift = torch.tensor([uniform(generator, -limit, limit) for limit in most])
    elastic = smooth_noise(generator, 3, like.shape[2:], KNOT_SPACING_VOX) * strength * ELASTIC_STD_VOX
    return (
        torch.einsum("ij,bjxyz->bixyz", matrix, grid - centre) + centre + shift.view(1, 3, 1, 1, 1) + elastic
    )
