"""One training image and its regions, drawn from a label map: the generative model of SynthSeg."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F

from pipeline.config import DrawingConfig
from pipeline.network.separable import gaussian_mean
from pipeline.network.warp import sample
from pipeline.train.drawing.palette import Palette
from pipeline.typing import Float, Int, Shaped, Tensor

__all__ = ["Drawn", "draw"]

MAX_ROTATION_RAD, MAX_LOG_SCALE, MAX_SHEAR, MAX_SHIFT_VOX = math.radians(15), 0.15, 0.08, 6.0
WARPS = ((32.0, 3.5), (12.0, 1.5))
"""Distance of the knots of a smooth displacement, and the largest of its standard deviations, in voxels."""
T1_SPREAD, MAX_T1_STD, MAX_STD = 0.06, (0.02, 0.07), (0.01, 0.11)
"""Of the tissues' means from one T1 image to the next, and of the voxels within a tissue."""
MAX_SHADING, SHADING_KNOTS_VOX = 0.25, 40
MAX_MOTTLING, MOTTLING_KNOTS_VOX = 0.05, 12
BLUR, BLUR_STD_VOX = 0.5, (0.3, 0.8)
THICK_SLICES, MAX_THICKNESS = 0.25, 2.5
MAX_NOISE_STD = 0.04
MAX_LOG_GAMMA = 0.35
STRIPPED = 0.5
LEAST_SHARE = 0.25
"""Of brain in a voxel that skull stripping leaves."""


class Drawn(NamedTuple):
    """An image and what lies where in it."""

    image: Float[Tensor, "1 1 X Y Z"]
    regions: Int[Tensor, "1 X Y Z"]


def draw(
    values: Shaped[Tensor, "U V W"],
    palette: Palette,
    config: DrawingConfig,
    generator: torch.Generator,
    strength: float = 1.0,
    crop: tuple[int, int, int] | None = None,
    halved: bool = False,
) -> Drawn:
    """A label map moved at random, with random grey values for its structures, as a scanner would show it.

    The first axis of the map points to the patient's right, so that it may be mirrored.

    Args:
        values: the label map.
        palette: what its values mean.
        config: how the structures look.
        generator: source of every random number.
        strength: factor of all motion.
        crop: sides of a window at a random place; None is all.
        halved: whether the image is of means of 2x2x2 voxels, and the regions of every second voxel.
    """
    moved = _moved(values, generator, strength, crop or tuple(values.shape))
    if _draw(generator) < 0.5:
        moved = palette.mirrored[moved.flip(0)]
    tissue = (palette.stripped if _draw(generator) < STRIPPED else palette.tissue)[moved]
    image, brain = _painted(tissue, palette, config, generator)
    regions = palette.region[moved][None]
    if halved:
        image, brain, regions = F.avg_pool3d(image, 2), F.avg_pool3d(brain, 2), regions[:, ::2, ::2, ::2]
    return Drawn(_scanned(image, brain > LEAST_SHARE, generator, 2 if halved else 1), regions)


def _moved(
    values: Shaped[Tensor, "U V W"], generator: torch.Generator, strength: float, crop: tuple[int, ...]
) -> Int[Tensor, "X Y Z"]:
    """A window of the map after an affine and a smooth motion; background beyond its edges."""
    sides = torch.tensor(values.shape, dtype=torch.float32)
    size = torch.tensor(crop).minimum(torch.tensor(values.shape))
    start = torch.floor(torch.rand(3, generator=generator) * (sides - size + 1))
    axes = [torch.arange(int(n), dtype=torch.float32) + s for n, s in zip(size, start, strict=True)]
    centre = ((sides - 1) / 2).view(1, 3, 1, 1, 1)
    place = torch.stack(torch.meshgrid(*axes, indexing="ij"))[None] - centre
    matrix = _matrix(generator, strength)
    shift = _uniform(generator, 3) * strength * MAX_SHIFT_VOX
    place = torch.einsum("ij,bjxyz->bixyz", matrix, place) + centre + shift.view(1, 3, 1, 1, 1)
    for knots, most in WARPS:
        place = place + _smooth(3, place.shape[2:], knots, generator) * (most * strength * _draw(generator))
    return sample(values[None, None].float(), place, mode="nearest")[0, 0].round().long()


def _matrix(generator: torch.Generator, strength: float) -> Float[Tensor, "3 3"]:
    rotation = torch.zeros(3, 3)
    for (i, j), angle in zip(
        ((0, 1), (0, 2), (1, 2)), _uniform(generator, 3) * MAX_ROTATION_RAD, strict=True
    ):
        rotation[i, j], rotation[j, i] = -angle, angle
    scale = torch.diag(_uniform(generator, 3) * MAX_LOG_SCALE)
    shear = _uniform(generator, 9).view(3, 3) * MAX_SHEAR * (1 - torch.eye(3))
    return torch.linalg.matrix_exp(strength * (rotation + scale + shear))


def _painted(
    tissue: Int[Tensor, "X Y Z"], palette: Palette, config: DrawingConfig, generator: torch.Generator
) -> tuple[Float[Tensor, "1 1 X Y Z"], Float[Tensor, "1 1 X Y Z"]]:
    """Normal grey values for every tissue, in T1 order or free, and where they are."""
    count = len(palette.t1_mean)
    if _draw(generator) < config.t1_share:
        mean = palette.t1_mean + torch.randn(count, generator=generator) * T1_SPREAD
        low, high = MAX_T1_STD
    else:
        mean = torch.rand(count, generator=generator)
        low, high = MAX_STD
    spread = low + (high - low) * torch.rand(count, generator=generator)
    mean, spread = mean.clamp_min(0.02), spread.clone()
    mean[0] = spread[0] = 0
    image = mean[tissue] + spread[tissue] * torch.randn(tissue.shape, generator=generator)
    return image[None, None], (tissue > 0).float()[None, None]


def _scanned(
    image: Float[Tensor, "1 1 X Y Z"], brain: Tensor, generator: torch.Generator, voxel: int
) -> Float[Tensor, "1 1 X Y Z"]:
    """Shading, blur, thick slices, noise, then the scale of `normalise`; `voxel` is the side of a voxel."""
    shape = image.shape[2:]
    shading = _smooth(1, shape, SHADING_KNOTS_VOX / voxel, generator) * (MAX_SHADING * _draw(generator))
    mottling = _smooth(1, shape, MOTTLING_KNOTS_VOX / voxel, generator) * (MAX_MOTTLING * _draw(generator))
    image = image * shading.exp() * (1 + mottling)
    if _draw(generator) < BLUR:
        low, high = BLUR_STD_VOX
        image = gaussian_mean(image, low + (high - low) * _draw(generator))
    if _draw(generator) < THICK_SLICES:
        axis = int(torch.randint(3, (), generator=generator))
        coarse = list(shape)
        coarse[axis] = max(2, round(shape[axis] / (1 + (MAX_THICKNESS - 1) * _draw(generator))))
        image = F.interpolate(
            F.interpolate(image, size=coarse, mode="trilinear"), size=shape, mode="trilinear"
        )
    image = image + torch.randn(image.shape, generator=generator) * (MAX_NOISE_STD * _draw(generator))
    image = _scaled(image.clamp_min(0) * brain, generator) * brain
    return image ** math.exp(MAX_LOG_GAMMA * (2 * _draw(generator) - 1))


def _scaled(image: Float[Tensor, "1 1 X Y Z"], generator: torch.Generator) -> Float[Tensor, "1 1 X Y Z"]:
    """0..1 between the 0.5th and the 99.5th percentile of what is not zero, from 5000 of these voxels."""
    seen = image[image > 0]
    if not len(seen):
        return image
    seen = seen[torch.randint(len(seen), (5000,), generator=generator)]
    low, high = torch.quantile(seen, torch.tensor([0.005, 0.995]))
    return ((image - low) / (high - low).clamp_min(1e-6)).clamp(0, 1)


def _smooth(channels: int, shape: torch.Size, spacing: float, generator: torch.Generator) -> Tensor:
    """Standard normal values at knots, interpolated trilinearly: (1, channels, X, Y, Z)."""
    knots = [max(2, round(side / spacing) + 1) for side in shape]
    coarse = torch.randn(1, channels, *knots, generator=generator)
    return F.interpolate(coarse, size=tuple(shape), mode="trilinear", align_corners=True)


def _draw(generator: torch.Generator) -> float:
    return torch.rand((), generator=generator).item()


def _uniform(generator: torch.Generator, count: int) -> Float[Tensor, " N"]:
    """Between -1 and 1."""
    return torch.rand(count, generator=generator) * 2 - 1
