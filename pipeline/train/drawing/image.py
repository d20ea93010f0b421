"""One training image and its regions, drawn from a label map: the generative model of SynthSeg."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F

from pipeline.config import DrawingConfig, IntensityConfig
from pipeline.network.halfgrid import halved_image, halved_map
from pipeline.network.separable import gaussian_mean
from pipeline.network.warp import identity_grid, sample
from pipeline.registration.preprocess import content_bounds, normalise
from pipeline.train.chance import affine_motion, happens, smooth_noise, uniform
from pipeline.train.drawing.palette import Palette
from pipeline.typing import Float, Int, Shaped, Tensor

__all__ = ["Drawn", "Look", "Window", "draw", "random_window"]

MAX_ROTATION_RAD, MAX_LOG_SCALE, MAX_SHEAR, MAX_SHIFT_VOX = math.radians(15), 0.15, 0.08, 6.0
WARPS = ((32.0, 3.5), (12.0, 1.5))
"""Distance of the knots of a smooth displacement, and the largest of its standard deviations, in voxels."""
T1_SPREAD, T1_STD, STD = 0.06, (0.02, 0.07), (0.01, 0.11)
"""Of the tissues' means from one T1 image to the next; of the voxels within a tissue, in T1 and at large."""
LEAST_MEAN = 0.02
MAX_SHADING, SHADING_KNOTS_VOX = 0.25, 40.0
MAX_MOTTLING, MOTTLING_KNOTS_VOX = 0.05, 12.0
BLUR, BLUR_STD_VOX = 0.5, (0.3, 0.8)
THICK_SLICES, MAX_THICKNESS = 0.25, 2.5
MAX_NOISE_STD = 0.04
MAX_LOG_GAMMA = 0.35
MIRRORED, STRIPPED = 0.5, 0.5
LEAST_SHARE = 0.25
"""Of tissue in a voxel that skull stripping leaves."""


Window = tuple[slice, slice, slice]
"""The part of a label map that an image shows."""


class Look(NamedTuple):
    """How the images of a training look."""

    palette: Palette
    drawing: DrawingConfig
    intensity: IntensityConfig
    """How the network's input is scaled, in training as in use."""
    halved: bool = False
    """Whether the network sees means of 2x2x2 voxels; the regions are then those of every second voxel."""


class Drawn(NamedTuple):
    """An image in 0..1 and what lies where in it."""

    image: Float[Tensor, "1 1 X Y Z"]
    regions: Int[Tensor, "1 X Y Z"]


def draw(
    values: Shaped[Tensor, "U V W"],
    look: Look,
    generator: torch.Generator,
    strength: float = 1.0,
    window: Window | None = None,
) -> Drawn:
    """A label map moved at random, with random grey values for its structures, as a scanner would show it.

    Args:
        values: the label map; its first axis runs to the patient's right, so that it may be mirrored.
        look: what its values mean, and how they look.
        generator: source of every random number.
        strength: factor of all motion.
        window: what of the head is shown after its motion; None is all.
    """
    palette = look.palette
    x, y, z = (slice(0, side) for side in values.shape)
    is_mirrored = happens(generator, MIRRORED)
    moved = _moved(values, generator, strength, window or (x, y, z), is_mirrored)
    if is_mirrored:
        moved = palette.mirrored[moved]
    tissue = (palette.stripped if happens(generator, STRIPPED) else palette.tissue)[moved]
    image, share = _painted(tissue, look, generator), (tissue > 0).float()[None, None]
    regions = palette.region[moved][None]
    if look.halved:
        image, share, regions = halved_image(image), halved_image(share), halved_map(regions)
    image = _scanned(image, generator, 2 if look.halved else 1) * (share > LEAST_SHARE)
    scaled = torch.from_numpy(normalise(image[0, 0].numpy(), look.intensity))[None, None]
    return Drawn(scaled ** math.exp(uniform(generator, -MAX_LOG_GAMMA, MAX_LOG_GAMMA)), regions)


def random_window(values: Shaped[Tensor, "U V W"], size: Sequence[int], generator: torch.Generator) -> Window:
    """A window of `size` voxels, or of whole sides where those are shorter, with all the content it can hold.

    A segmentor in use sees boxes around the content too, not the emptiness beside it.
    """
    window = []
    for (first, stop), side, wanted in zip(content_bounds(values.numpy()), values.shape, size, strict=True):
        length = min(side, wanted)
        low, high = sorted((float(first), float(stop - length)))
        start = math.floor(uniform(generator, max(low, 0.0), min(high, side - length) + 1.0))
        window.append(slice(start, start + length))
    x, y, z = window
    return x, y, z


def _moved(
    values: Shaped[Tensor, "U V W"],
    generator: torch.Generator,
    strength: float,
    window: Window,
    is_mirrored: bool,
) -> Int[Tensor, "X Y Z"]:
    """A window of the map or its mirror image after an affine and a smooth motion; 0 beyond its edges."""
    start, size = [side.start for side in window], [side.stop - side.start for side in window]
    centre = _column([(side - 1) / 2 for side in values.shape])
    place = identity_grid(torch.empty(1, 1, *size)) + _column(start) - centre
    limits = (strength * limit for limit in (MAX_ROTATION_RAD, MAX_LOG_SCALE, MAX_SHEAR))
    matrix = affine_motion(generator, *limits)
    shift = _column([uniform(generator, -MAX_SHIFT_VOX, MAX_SHIFT_VOX) * strength for _ in range(3)])
    place = torch.einsum("ij,bjxyz->bixyz", matrix, place) + centre + shift
    for knots, most in WARPS:
        place = place + smooth_noise(generator, 3, size, knots) * uniform(generator, 0.0, most * strength)
    if is_mirrored:
        place[:, 0] = values.shape[0] - 1 - place[:, 0]
    return sample(values[None, None].float(), place, mode="nearest")[0, 0].round().long()


def _column(numbers: list[float] | list[int]) -> Float[Tensor, "1 3 1 1 1"]:
    return torch.tensor(numbers, dtype=torch.float32).view(1, 3, 1, 1, 1)


def _painted(
    tissue: Int[Tensor, "X Y Z"], look: Look, generator: torch.Generator
) -> Float[Tensor, "1 1 X Y Z"]:
    """Normal grey values for every tissue, in the order of T1 or in any, and 0 for the background."""
    count = len(look.palette.t1_mean)
    if happens(generator, look.drawing.t1_share):
        mean = look.palette.t1_mean + torch.randn(count, generator=generator) * T1_SPREAD
        low, high = T1_STD
    else:
        mean = torch.rand(count, generator=generator)
        low, high = STD
    mean, spread = mean.clamp_min(LEAST_MEAN), low + (high - low) * torch.rand(count, generator=generator)
    mean[0] = spread[0] = 0
    return (mean[tissue] + spread[tissue] * torch.randn(tissue.shape, generator=generator))[None, None]


def _scanned(
    image: Float[Tensor, "1 1 X Y Z"], generator: torch.Generator, voxel: int
) -> Float[Tensor, "1 1 X Y Z"]:
    """Shading, mottling, blur, thick slices and noise; `voxel` is the side of a voxel in those of the map."""
    shape = image.shape[2:]
    shading = smooth_noise(generator, 1, shape, SHADING_KNOTS_VOX / voxel)
    mottling = smooth_noise(generator, 1, shape, MOTTLING_KNOTS_VOX / voxel)
    image = image * (shading * uniform(generator, 0.0, MAX_SHADING)).exp()
    image = image * (1 + mottling * uniform(generator, 0.0, MAX_MOTTLING))
    if happens(generator, BLUR):
        image = gaussian_mean(image, uniform(generator, *BLUR_STD_VOX))
    if happens(generator, THICK_SLICES):
        axis = int(torch.randint(3, (), generator=generator))
        coarse = list(shape)
        coarse[axis] = max(2, round(shape[axis] / uniform(generator, 1.0, MAX_THICKNESS)))
        thick = F.interpolate(image, size=coarse, mode="trilinear")
        image = F.interpolate(thick, size=shape, mode="trilinear")
    noise = torch.randn(image.shape, generator=generator) * uniform(generator, 0.0, MAX_NOISE_STD)
    return (image + noise).clamp_min(0)
