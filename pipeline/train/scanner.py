"""Grey values as if of another scanner: the changes of nnU-Net, each with a probability of its own."""

import torch
import torch.nn.functional as F

from pipeline.network.separable import gaussian_mean
from pipeline.train.augment import regreyed
from pipeline.train.chance import happens, uniform
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
    if happens(generator, BLUR):
        changed = gaussian_mean(changed, max(strength * uniform(generator, *BLUR_STD_VOX), LEAST_STD_VOX))
    if happens(generator, BRIGHTNESS):
        changed = changed * (1 + strength * uniform(generator, -MAX_RELATIVE, MAX_RELATIVE))
    if happens(generator, CONTRAST):
        mean = changed.sum() / content.sum().clamp_min(1)
        changed = mean + (changed - mean) * (1 + strength * uniform(generator, -MAX_RELATIVE, MAX_RELATIVE))
    if happens(generator, COARSE):
        changed = _coarsened(changed, 1 - strength * uniform(generator, 0.0, 1 - LEAST_RESOLUTION))
    changed = regreyed((changed * content).clamp(0, 1), generator, strength)
    if happens(generator, NOISE):
        noise = torch.randn(image.shape, generator=generator)
        changed = changed + noise * strength * uniform(generator, 0.0, MAX_NOISE_STD)
    return (changed * content).clamp(0, 1)


def _coarsened(image: Float[Tensor, "1 1 X Y Z"], resolution: float) -> Float[Tensor, "1 1 X Y Z"]:
    """Sampled on a coarser grid and interpolated back."""
    coarse = [max(1, round(side * resolution)) for side in image.shape[2:]]
    small = F.interpolate(image, size=coarse, mode="nearest")
    return F.interpolate(small, size=image.shape[2:], mode="trilinear", align_corners=False)
