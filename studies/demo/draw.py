"""Subjects drawn from a template: a random smooth warp, other grey values, another crop, noise."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from studies.demo.deformation import compose, pull_back, smooth_field, unfolded
from studies.demo.template import Template

__all__ = ["DrawnSubject", "draw_subject", "random_warp"]

# Chosen for pairs that overlap as the real ones do before registration: mean Dice 0.5 to 0.7.
MAX_ROTATION_DEG = 4.0
MAX_LOG_SCALE = 0.06
MAX_SHIFT_VOX = 0.7
WARP_STD_VOX = 1.3
WARP_SMOOTHING_VOX = 8.0
MIN_DETERMINANT = 0.1
# A crop keeps this share of the template's field of view, along each axis by itself.
CROP_SHARE = (0.88, 1.0)
MAX_LOG_GAMMA = 0.2
BIAS_STD = 0.06
BIAS_SMOOTHING_VOX = 16.0
# A mean of many subjects is smoother than any of them: the texture stands in for what it has lost.
TEXTURE_STD = 0.05
TEXTURE_SMOOTHING_VOX = 0.9
NOISE_STD = 0.02
# The brightest voxel in the real task lies between 112 and 1.7 million, in three clusters.
EIGHT_BIT_MAXIMUM = (112, 255)
FLOAT_MAXIMA = ((1.9e3, 3.2e3), (5e5, 1.5e6))


@dataclass(frozen=True, eq=False)
class DrawnSubject:
    """One drawn subject; nobody's scan.

    Attributes:
        image: (X, Y, Z), uint8 or float32; 0 outside the crop.
        labels: label values, (X, Y, Z) uint8 or uint16.
        warp: u, (X, Y, Z, 3) voxels: the subject at p shows the template at p + u(p).
    """

    image: np.ndarray
    labels: np.ndarray
    warp: np.ndarray


def draw_subject(template: Template, seed: int, number: int) -> DrawnSubject:
    """Draw subject `number` of the series `seed`; the same two numbers always draw the same subject."""
    generator = np.random.default_rng([seed, number])
    warp = random_warp(template.image.shape, generator)
    crop = _crop(template.image, generator)
    grey = _grey_values(pull_back(_beyond_view(template), warp), generator)
    probabilities = np.stack([pull_back(region, warp) for region in template.probabilities()])
    values = np.array((0, *template.header.labels))
    labels = values.astype(np.min_scalar_type(values.max()))[probabilities.argmax(axis=0)]
    return DrawnSubject(_scanned(grey, generator) * crop, labels * crop, warp)


def random_warp(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """A smooth displacement of several voxels without a fold, (X, Y, Z, 3) float32."""
    noise = [smooth_field(shape, WARP_SMOOTHING_VOX, generator) for _ in range(3)]
    smooth = unfolded(WARP_STD_VOX * np.stack(noise, axis=-1), MIN_DETERMINANT)
    # The affine part cannot fold, and a composition of two maps without folds has none.
    return compose(smooth, _affine(shape, generator))


def _affine(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Displacement of a rotation and scaling about the centre with a shift."""
    angles = generator.uniform(-MAX_ROTATION_DEG, MAX_ROTATION_DEG, 3)
    scales = np.exp(generator.uniform(-MAX_LOG_SCALE, MAX_LOG_SCALE, 3))
    matrix = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * scales
    shift = generator.uniform(-MAX_SHIFT_VOX, MAX_SHIFT_VOX, 3)
    centred = np.moveaxis(np.indices(shape), 0, -1) - (np.array(shape) - 1) / 2
    return (centred @ (matrix - np.eye(3)).T + shift).astype(np.float32)


def _beyond_view(template: Template) -> np.ndarray:
    """The template's grey values, continued beyond its field of view so that a warp draws no zeros in."""
    grey = template.intensities()
    nearest = ndimage.distance_transform_edt(grey == 0, return_distances=False, return_indices=True)
    return grey[tuple(nearest)]


def _crop(view: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A box centred in the field of view, (X, Y, Z) uint8 with 1 inside."""
    occupied = np.argwhere(view > 0)
    low, high = occupied.min(axis=0), occupied.max(axis=0) + 1
    size = np.rint((high - low) * generator.uniform(*CROP_SHARE, 3)).astype(int)
    start = (low + high - size) // 2
    box = np.zeros(view.shape, np.uint8)
    box[tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))] = 1
    return box


def _grey_values(grey: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Another contrast, shading, texture and noise, in 0..1."""
    gamma = np.exp(generator.uniform(-MAX_LOG_GAMMA, MAX_LOG_GAMMA))
    shading = np.exp(BIAS_STD * smooth_field(grey.shape, BIAS_SMOOTHING_VOX, generator))
    texture = TEXTURE_STD * smooth_field(grey.shape, TEXTURE_SMOOTHING_VOX, generator)
    noise = NOISE_STD * generator.standard_normal(grey.shape)
    return np.clip(grey**gamma * shading + texture + noise, 0, 1)


def _scanned(grey: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The grey values in the number range of some scanner; tissue is never the 0 of the padding."""
    kind = generator.integers(3)
    if kind == 0:
        return np.rint(np.maximum(grey * generator.uniform(*EIGHT_BIT_MAXIMUM), 1)).astype(np.uint8)
    low, high = FLOAT_MAXIMA[kind - 1]
    maximum = np.exp(generator.uniform(np.log(low), np.log(high)))
    return np.maximum(grey * maximum, 1e-3 * maximum).astype(np.float32)
