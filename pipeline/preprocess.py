"""Intensities to 0..1 and volumes to a size the networks accept."""

from collections.abc import Sequence

import numpy as np
import torch.nn.functional as F

from pipeline.config import IntensityConfig
from pipeline.typing import Shaped, Tensor

__all__ = ["content_box", "content_crop", "crop_to", "normalise", "pad_to_multiple"]


def normalise(image: np.ndarray, config: IntensityConfig) -> np.ndarray:
    """Voxel values scaled to 0..1, (X, Y, Z) float32; a constant image becomes all zeros.

    Percentiles are taken over non-zero voxels, since challenge volumes are padded with zeros and one
    task mixes scanners whose maxima differ a thousand times.
    """
    image = np.asarray(image, dtype=np.float32)
    low, high = config.low, config.high
    if config.kind == "percentile":
        content = image[image != 0]
        if content.size == 0:
            return np.zeros_like(image)
        low, high = np.percentile(content, [config.low, config.high])
        # Padding stays at the bottom of the range, whatever the darkest tissue is.
        low = min(float(low), 0.0) if image.min() >= 0 else float(low)
        high = low + config.headroom * (high - low)
    if not high > low:
        return np.zeros_like(image)
    return np.clip((image - low) / (high - low), 0, 1).astype(np.float32)


def pad_to_multiple(volume: Shaped[Tensor, "B C X Y Z"], multiple: int) -> Shaped[Tensor, "B C U V W"]:
    """Zeros behind the last voxel of each axis until every side divides by `multiple`."""
    padding: list[int] = []
    for side in reversed(volume.shape[2:]):
        padding += [0, -side % multiple]
    return F.pad(volume, padding) if any(padding) else volume


def crop_to(volume: Shaped[Tensor, "B C U V W"], shape: Sequence[int]) -> Shaped[Tensor, "B C X Y Z"]:
    """The inverse of `pad_to_multiple`: the first `shape` voxels of each axis."""
    x, y, z = shape
    return volume[:, :, :x, :y, :z]


def content_crop(image: np.ndarray, size: Sequence[int]) -> tuple[slice, slice, slice]:
    """A box of `size` voxels centred on the non-zero content of (X, Y, Z), kept inside the volume.

    An axis shorter than its `size` is taken whole.
    """
    occupied = np.argwhere(image != 0)
    centre = (occupied.min(0) + occupied.max(0) + 1) // 2 if len(occupied) else np.array(image.shape) // 2
    start = np.clip(centre - np.array(size) // 2, 0, np.maximum(np.array(image.shape) - np.array(size), 0))
    x, y, z = (slice(int(a), int(a) + n) for a, n in zip(start, size, strict=True))
    return x, y, z


def content_box(image: np.ndarray, at_least: Sequence[int] | None) -> tuple[slice, slice, slice]:
    """The part of (X, Y, Z) to give to a network that was trained on content crops of `at_least` voxels.

    All of the non-zero content, in a box of the crop's size where that holds it: a network with instance
    normalisation sees then as much padding as in training. None is the whole volume.
    """
    if at_least is None:
        x, y, z = (slice(0, side) for side in image.shape)
        return x, y, z
    occupied = np.argwhere(image != 0)
    extent = occupied.max(0) + 1 - occupied.min(0) if len(occupied) else np.zeros(3, int)
    return content_crop(image, np.maximum(extent, at_least).tolist())
