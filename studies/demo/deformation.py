"""Smooth displacements in numpy: sampling, composition, inversion, and the folds of a field."""

import numpy as np
from scipy import ndimage

__all__ = [
    "compose",
    "gradient_of",
    "inverse",
    "pull_back",
    "smallest_determinant",
    "smooth_field",
    "unfolded",
]

INVERSION_ROUNDS = 30
SHRINKING = 0.9


def pull_back(volume: np.ndarray, displacement: np.ndarray, *, order: int = 1) -> np.ndarray:
    """The volume at p + u(p); positions outside take the nearest voxel.

    Args:
        volume: (X, Y, Z).
        displacement: u, (X, Y, Z, 3), voxels.
        order: degree of the interpolating spline, 0 for the nearest neighbour.
    """
    positions = np.moveaxis(displacement, -1, 0) + np.indices(volume.shape, dtype=np.float32)
    return ndimage.map_coordinates(volume, positions, order=order, mode="nearest")


def compose(first: np.ndarray, then: np.ndarray) -> np.ndarray:
    """The displacement that warps as `first` and then `then` do: w(p) = then(p) + first(p + then(p)).

    The meaning is that of `pipeline.network.warp.compose`; both are (X, Y, Z, 3) in voxels.
    """
    carried = [pull_back(first[..., axis], then) for axis in range(3)]
    return (then + np.stack(carried, axis=-1)).astype(np.float32)


def inverse(displacement: np.ndarray) -> np.ndarray:
    """v with v(p) = -u(p + v(p)) by fixed-point iteration, which converges where u is a contraction."""
    inverted = np.zeros_like(displacement)
    for _ in range(INVERSION_ROUNDS):
        carried = [pull_back(displacement[..., axis], inverted) for axis in range(3)]
        inverted = -np.stack(carried, axis=-1)
    return inverted.astype(np.float32)


def smooth_field(shape: tuple[int, ...], smoothing_vox: float, generator: np.random.Generator) -> np.ndarray:
    """Gaussian-filtered white noise of `shape` (X, Y, Z), rescaled to mean 0 and standard deviation 1."""
    # Wrapping keeps the variance the same up to the faces; repeating the edge would heap it up there.
    noise = ndimage.gaussian_filter(generator.standard_normal(shape), smoothing_vox, mode="wrap")
    return ((noise - noise.mean()) / noise.std()).astype(np.float32)


def gradient_of(displacement: np.ndarray) -> np.ndarray:
    """Derivatives of u by central differences, (X, Y, Z, 3, 3): component i along axis j at [..., i, j]."""
    return np.stack(np.gradient(displacement, axis=(0, 1, 2)), axis=-1)


def smallest_determinant(gradient: np.ndarray) -> float:
    """The smallest det(I + grad u) of the field; zero or less where it folds."""
    a, b, c, d, e, f, g, h, i = np.moveaxis((gradient + np.eye(3)).reshape(-1, 9), 1, 0)
    return float((a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)).min())


def unfolded(displacement: np.ndarray, floor: float) -> np.ndarray:
    """The displacement scaled down until every Jacobian determinant exceeds `floor` (0 <= floor < 1)."""
    gradient, scale = gradient_of(displacement), 1.0
    while smallest_determinant(scale * gradient) <= floor:
        scale *= SHRINKING
    return (scale * displacement).astype(np.float32)
