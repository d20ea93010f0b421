"""Intensities to 0..1 and volumes to a size the networks accept."""

from collections.abc import Sequence

import numpy as np
import torch.nn.functional as F

from pairs.errors import VolumeError
from pairs.images.volume import Volume
from pipeline.config import IntensityConfig
from pipeline.typing import Shaped, Tensor

__all__ = [
    "content_bounds",
    "content_box",
    "content_crop",
    "crop_to",
    "normalise",
    "normalised_content",
    "pad_to_multiple",
    "require_content",
    "tight_box",
    "window_warnings",
]

# Of a window that the values of an image in its unit span: from air or fat to tissue.
_LEAST_SHARE = 0.05


def normalise(image: np.ndarray, config: IntensityConfig) -> np.ndarray:
    """Voxel values scaled to 0..1, (X, Y, Z) float32; a constant image becomes all zeros.

    Percentiles are taken over non-zero voxels, unless the configuration says otherwise, since challenge
    volumes are padded with zeros and one task mixes scanners whose maxima differ a thousand times.
    """
    image = np.asarray(image, dtype=np.float32)
    low, high = config.low, config.high
    if config.kind == "percentile":
        content = image if config.of == "all" else image[image != 0]
        if content.size == 0:
            return np.zeros_like(image)
        low, high = np.percentile(content, [config.low, config.high])
        # Padding stays at the bottom of the range, whatever the darkest tissue is.
        low = min(float(low), 0.0) if image.min() >= 0 else float(low)
        high = low + config.headroom * (high - low)
    if not high > low:
        return np.zeros_like(image)
    return np.clip((image - low) / (high - low), 0, 1).astype(np.float32)


def require_content(volume: Volume) -> None:
    """Refuses an image without anything in it that a method could go by.

    Raises:
        VolumeError: All its voxels have one value.
    """
    low, high = volume.array.min(), volume.array.max()
    if low == high:
        raise VolumeError(
            "the image is constant: there is nothing to register",
            where=volume.header.path,
            got=f"{low:g} in every voxel",
        )


def normalised_content(volume: Volume, config: IntensityConfig) -> np.ndarray:
    """`normalise` for a method that goes by the image alone, (X, Y, Z) float32 in 0..1.

    Raises:
        VolumeError: The image is constant, or becomes so.
    """
    require_content(volume)
    image = normalise(volume.array, config)
    if image.min() == image.max():
        unit = "percentiles of its voxels" if config.kind == "percentile" else "values"
        raise VolumeError(
            "the image is constant in the range of intensities looked at: there is nothing to register",
            where=volume.header.path,
            expected=f"{unit} from {config.low:g} to {config.high:g} that differ",
            got=f"values from {volume.array.min():g} to {volume.array.max():g}",
        )
    return image


def window_warnings(image: np.ndarray, config: IntensityConfig) -> list[str]:
    """Tells an image that seems not to be in the unit of the window: CT that was stored without its shift.

    Air is negative in Hounsfield units, so that a scan without any negative value was shifted or rescaled.
    One whose values lie closer together than any tissues do was rescaled too.
    """
    if config.kind != "window" or config.low >= 0:
        return []
    low, high = float(image.min()), float(image.max())
    if low < 0 and high - low >= _LEAST_SHARE * (config.high - config.low):
        return []
    odd = "no voxel is negative" if low >= 0 else f"all values are from {low:g} to {high:g}"
    unit = f"a unit such as HU, from {config.low:g} to {config.high:g}, is expected"
    return [f"{odd}, but {unit}: the intensities look shifted or rescaled"]


def pad_to_multiple(
    volume: Shaped[Tensor, "B C X Y Z"], multiple: int, at_least: Sequence[int] | None = None
) -> Shaped[Tensor, "B C U V W"]:
    """Zeros behind the last voxel of each axis until every side divides by `multiple`.

    Args:
        volume: of any number type.
        multiple: what the sides shall divide by.
        at_least: sides to reach in any case, such as those of the crops that a network was trained on.
    """
    padding: list[int] = []
    for side, least in zip(reversed(volume.shape[2:]), reversed(at_least or (1, 1, 1)), strict=True):
        wanted = max(side, least)
        padding += [0, wanted + -wanted % multiple - side]
    return F.pad(volume, padding) if any(padding) else volume


def crop_to(volume: Shaped[Tensor, "B C U V W"], shape: Sequence[int]) -> Shaped[Tensor, "B C X Y Z"]:
    """The inverse of `pad_to_multiple`: the first `shape` voxels of each axis."""
    x, y, z = shape
    return volume[:, :, :x, :y, :z]


def content_crop(image: np.ndarray, size: Sequence[int]) -> tuple[slice, slice, slice]:
    """A box of `size` voxels centred on the non-zero content of (X, Y, Z), kept inside the volume.

    An axis shorter than its `size` is taken whole.
    """
    return _box_around(content_bounds(image), image.shape, size)


def content_box(
    image: np.ndarray, at_least: Sequence[int] | None, margin: int = 0
) -> tuple[slice, slice, slice]:
    """The part of (X, Y, Z) to give to a network that was trained on content crops of `at_least` voxels.

    All of the non-zero content and a margin of voxels around it, in a box of the crop's size where that holds
    it: a network with instance normalisation sees then as much padding as in training. None is the whole
    volume, and an axis shorter than the crop is taken whole.
    """
    if at_least is None:
        x, y, z = (slice(0, side) for side in image.shape)
        return x, y, z
    bounds = content_bounds(image)
    size = [
        max(stop - start + 2 * margin, wanted) for (start, stop), wanted in zip(bounds, at_least, strict=True)
    ]
    return _box_around(bounds, image.shape, size)


def tight_box(image: np.ndarray, multiple: int) -> tuple[slice, slice, slice]:
    """The smallest box around the non-zero content of (X, Y, Z) that begins and ends at multiples.

    It may end behind the last voxel, in what `pad_to_multiple` adds. Without content it is everything.
    """
    bounds = content_bounds(image) if image.any() else [(0, side) for side in image.shape]
    x, y, z = (slice(start // multiple * multiple, -(-stop // multiple) * multiple) for start, stop in bounds)
    return x, y, z


def content_bounds(image: np.ndarray) -> list[tuple[int, int]]:
    """Start and stop of the non-zero voxels of (X, Y, Z) along each axis; the middle where there are none."""
    # Projections: a list of the voxels of a whole volume would be many times its size.
    in_plane = np.any(image, axis=2)
    projections = (np.any(in_plane, axis=1), np.any(in_plane, axis=0), np.any(image, axis=(0, 1)))
    occupied = [np.flatnonzero(projection) for projection in projections]
    if not len(occupied[0]):
        return [(side // 2, side // 2) for side in image.shape]
    return [(int(indices[0]), int(indices[-1]) + 1) for indices in occupied]


def _box_around(
    bounds: Sequence[tuple[int, int]], shape: Sequence[int], size: Sequence[int]
) -> tuple[slice, slice, slice]:
    """`size` voxels centred on the bounds, moved into the volume, at most all of it."""
    box = []
    for (start, stop), side, wanted in zip(bounds, shape, size, strict=True):
        length = min(wanted, side)
        first = min(max((start + stop) // 2 - wanted // 2, 0), side - length)
        box.append(slice(first, first + length))
    x, y, z = box
    return x, y, z
