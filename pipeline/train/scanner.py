"""Grey values as if of another scanner: the changes of nnU-Net, each with a probability of its own."""

import torch
import torch.nn.functional as F

from pipeline.train.augment import regreyed
from pipeline.typing import Float, Tensor

__all__ = ["rescanned"]

NOISE, BLUR, BRIGHTNESS, CONTRAST, COARSE = 0.15, 0.2, 0.15, 0.15, 0.25
"""Probabilities (Isensee et al., Nat. Methods 18, 2021)."""

MAX_NOISE_STD = 0.08
BLUR_STD_VOX = (0.5, 1.0)
LEAST_STD_VOX = 0.01
"""Of a filter that still has a value; it changes nothing."""
MAX_RELATIVE = 0.25
"""Of the changes of brightness and contrast."""
LEAST_RESOLUTION = 0.5


def rescanned(
    image: Float[Tensor, "1 1 X Y Z"], generator: torch.Generator, strength: float
) -> Float[Tensor, "1 1 X Y Z"]:
    """Blur, brightness, contrast, resolution and noise at times, gamma and shading always.

    The zero padding stays zero, and values remain in 0..1.

    Args:
        image: scaled to 0..1.
        generator: source of every random number.
        strength: factor of the maxima.
    """
    content = image > 0
    changed = image
    if _happens(BLUR, generator):
        low, high = BLUR_STD_VOX
        changed = _blurred(changed, strength * (low + (high - low) * _draw(generator)))
    if _happens(BRIGHTNESS, generator):
        changed = changed * (1 + strength * MAX_RELATIVE * _signed(generator))
    if _happens(CONTRAST, generator):
        mean = changed.sum() / content.sum().clamp_min(1)
        changed = mean + (changed - mean) * (1 + strength * MAX_RELATIVE * _signed(generator))
    if _happens(COARSE, generator):
        changed = _coarsened(changed, 1 - strength * (1 - LEAST_RESOLUTION) * _draw(generator))
    changed = regreyed((changed * content).clamp(0, 1), generator, strength)
    if _happens(NOISE, generator):
        noise = torch.randn(image.shape, generator=generator)
        changed = changed + noise * strength * MAX_NOISE_STD * _draw(generator)
    return (changed * content).clamp(0, 1)


def _blurred(image: Float[Tensor, "1 1 X Y Z"], std_vox: float) -> Float[Tensor, "1 1 X Y Z"]:
    """A Gaussian filter along each axis."""
    kernel = torch.exp(-0.5 * (torch.arange(-3.0, 4.0) / max(std_vox, LEAST_STD_VOX)) ** 2)
    kernel = kernel / kernel.sum()
    for axis in range(3):
        shape, padding = [1] * 5, [0] * 3
        shape[2 + axis], padding[axis] = len(kernel), len(kernel) // 2
        image = F.conv3d(image, kernel.view(shape), padding=padding)
    return image


def _coarsened(image: Float[Tensor, "1 1 X Y Z"], resolution: float) -> Float[Tensor, "1 1 X Y Z"]:
    """Sampled on a coarser grid and interpolated back."""
    coarse = [max(1, round(side * resolution)) for side in image.shape[2:]]
    small = F.interpolate(image, size=coarse, mode="nearest")
    return F.interpolate(small, size=image.shape[2:], mode="trilinear", align_corners=False)


def _draw(generator: torch.Generator) -> float:
    return torch.rand((), generator=generator).item()


def _signed(generator: torch.Generator) -> float:
    return 2 * _draw(generator) - 1


def _happens(probability: float, generator: torch.Generator) -> bool:
    return _draw(generator) < probability
