"""Images and label maps on another grid, each sampled once from the original."""

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pairs.images.frames import Frames
from pairs.images.sampling import Places, Shape3, image_at, labels_at, voted_labels_at
from pairs.images.volume import Volume

__all__ = ["LabelRule", "resampled_image", "resampled_labels"]

LabelRule: TypeAlias = Literal["nearest", "vote"]
"""The label of the nearest voxel, or the one with the most weight among the eight voxels around."""


def resampled_image(image: Frames, shape: Shape3, places: Places) -> NDArray[Any]:
    """Samples an image linearly, frame by frame.

    Args:
        image: The image.
        shape: Sides (U, V, W) of the new grid.
        places: Where its voxels lie in the image.

    Returns:
        (U, V, W), or (U, V, W, N) of more than one frame. Integers stay integers of their type, rounded; all
        else is float32. Beyond the image it is the smallest value of the frame.
    """
    frames = [
        _in_type(image_at(frame, shape, places), image.array.dtype)
        for frame in np.moveaxis(image.array, -1, 0)
    ]
    return frames[0] if len(frames) == 1 else np.stack(frames, axis=-1)


def resampled_labels(
    labels: Volume, shape: Shape3, places: Places, rule: LabelRule = "nearest"
) -> NDArray[Any]:
    """Samples a label map; 0 beyond it.

    Args:
        labels: The label map.
        shape: Sides (U, V, W) of the new grid.
        places: Where its voxels lie in the label map.
        rule: How the label of a place between voxels is found.

    Returns:
        (U, V, W), in the integer type of the file, or the smallest one that holds the labels where the file
        has other numbers.
    """
    sampled = (labels_at if rule == "nearest" else voted_labels_at)(labels.array, shape, places)
    stored = labels.header.dtype
    return np.asarray(sampled, stored if stored.kind in "iu" and not labels.header.scaled else sampled.dtype)


def _in_type(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind not in "iu":
        return values
    # Between values of the type: linear sampling never leaves its range.
    return np.asarray(np.rint(values, out=values), dtype)
