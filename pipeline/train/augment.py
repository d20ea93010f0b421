"""Random changes of a training image: small affine motion, brightness curve, noise."""

import math

import torch

from pipeline.train.subjects import Sample
from pipeline.typing import Float, Tensor
from pipeline.warp import identity_grid, sample

__all__ = ["augmented"]

MAX_ROTATION_RAD = math.radians(12)
MAX_LOG_SCALE = 0.15
MAX_SHIFT_VOX = 3.0
MAX_LOG_GAMMA = 0.35
MAX_NOISE_STD = 0.04


def augmented(subject: Sample, generator: torch.Generator) -> Sample:
    """The subject under a random affine motion (no mirroring: labels may have sides) and new grey values."""
    deformation = _affine_deformation(subject.image, generator)
    image = sample(subject.image, deformation)
    labels = sample(subject.labels[:, None].float(), deformation, mode="nearest")[:, 0].long()
    gamma = math.exp(_uniform(MAX_LOG_GAMMA, generator))
    noise = torch.randn(image.shape, generator=generator) * abs(_uniform(MAX_NOISE_STD, generator))
    image = (image.clamp_min(0) ** gamma + noise * (image > 0)).clamp(0, 1)
    return Sample(subject.name, image, labels)


def _affine_deformation(
    like: Float[Tensor, "1 1 X Y Z"], generator: torch.Generator
) -> Float[Tensor, "1 3 X Y Z"]:
    grid = identity_grid(like)
    centre = grid.mean(dim=(2, 3, 4), keepdim=True)
    rotation = torch.zeros(3, 3)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        angle = _uniform(MAX_ROTATION_RAD, generator)
        rotation[i, j], rotation[j, i] = -angle, angle
    scale = torch.diag(torch.tensor([_uniform(MAX_LOG_SCALE, generator) for _ in range(3)]))
    matrix = torch.linalg.matrix_exp(rotation + scale)
    shift = torch.tensor([_uniform(MAX_SHIFT_VOX, generator) for _ in range(3)]).view(1, 3, 1, 1, 1)
    return torch.einsum("ij,bjxyz->bixyz", matrix, grid - centre) + centre + shift


def _uniform(limit: float, generator: torch.Generator) -> float:
    return (torch.rand((), generator=generator).item() * 2 - 1) * limit
