"""Choice of the plane of a volume that shows its structures best, and cutting along it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.regions import LabelMap

__all__ = ["Plane", "View", "best_plane", "body_view"]

_MARGIN_VOXELS = 2


@dataclass(frozen=True)
class Plane:
    """A plane through a volume, perpendicular to an array axis.

    Attributes:
        axis: The axis it is perpendicular to.
        index: Its voxel index on that axis.
    """

    axis: int
    index: int

    @property
    def in_plane_axes(self) -> tuple[int, int]:
        """The array axes shown to the right and upwards."""
        right, up = (axis for axis in range(3) if axis != self.axis)
        return right, up

    def cut(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Cuts a volume (X, Y, Z, ...) into (up, right, ...), the row order of `imshow(origin="lower")`."""
        return np.swapaxes(np.take(volume, self.index, axis=self.axis), 0, 1)


@dataclass(frozen=True)
class View:
    """A window on a plane, in the coordinates of `imshow`, where voxel i covers i - 0.5 to i + 0.5.

    Attributes:
        right: First and last coordinate to the right.
        up: First and last coordinate upwards.
    """

    right: tuple[float, float]
    up: tuple[float, float]

    @property
    def width(self) -> float:
        """Voxels to the right."""
        return self.right[1] - self.right[0]

    @property
    def height(self) -> float:
        """Voxels upwards."""
        return self.up[1] - self.up[0]


def body_view(images: Sequence[NDArray[np.float32]]) -> View:
    """Finds the window that holds everything above zero in any of the images (up, right), with a margin."""
    body = np.any([image > 0 for image in images], axis=0)
    if not body.any():
        body = np.ones_like(body)
    edges = []
    for axis, side in ((0, body.shape[1]), (1, body.shape[0])):
        filled = np.flatnonzero(body.any(axis=axis))
        first, last = max(filled[0] - _MARGIN_VOXELS, 0), min(filled[-1] + _MARGIN_VOXELS, side - 1)
        edges.append((float(first) - 0.5, float(last) + 0.5))
    return View(right=edges[0], up=edges[1])


def best_plane(label_map: LabelMap) -> Plane:
    """Finds the plane on which the structures together come nearest to their largest cross-sections.

    Where there is no structure, this is the middle plane of the last axis.
    """
    shape = label_map.array.shape
    if not label_map.boxes:
        return Plane(2, shape[2] // 2)
    visibility = [np.zeros(side) for side in shape]
    for areas in _cross_sections(label_map).values():
        largest = max(float(area.max()) for area in areas)
        for total, area in zip(visibility, areas, strict=True):
            total += area / largest
    axis = int(np.argmax([total.max() for total in visibility]))
    return Plane(axis, int(np.argmax(visibility[axis])))


def _cross_sections(label_map: LabelMap) -> Mapping[int, tuple[NDArray[np.int64], ...]]:
    """Voxels of each structure on every plane of every axis."""
    sections = {}
    for label, box in label_map.boxes.items():
        mask = label_map.array[box] == label
        areas = tuple(np.zeros(side, dtype=np.int64) for side in label_map.array.shape)
        for axis, area in enumerate(areas):
            others = tuple(other for other in range(3) if other != axis)
            area[box[axis]] = np.count_nonzero(mask, axis=others)
        sections[label] = areas
    return sections
