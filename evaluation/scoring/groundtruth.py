"""Ground truth of an image: its label map, mask and points, which lie in folders beside the images."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.regions import LabelMap, box_labels
from pairs.errors import MissingVolume
from pairs.files.regularfile import is_regular
from pairs.images.grid import affine_warnings, require_same_shape
from pairs.images.volume import Header, read_header, read_labels
from pairs.tasks.imagefiles import label_path, sibling_path

__all__ = ["read_grid", "read_label_map", "read_mask"]


def read_grid(image: Path) -> Header:
    """Reads the grid of an image, or of its label map where the image does not exist."""
    try:
        return read_header(image)
    except MissingVolume:
        labels = label_path(image)
        if not is_regular(labels):
            raise
        return read_header(labels)


def read_label_map(image: Path, grid: Header, labels: set[int], warnings: list[str]) -> LabelMap:
    """Reads the label map of an image; appends what is unusual about it to `warnings`."""
    return box_labels(_read_truth(label_path(image), grid, warnings), labels)


def read_mask(image: Path, grid: Header, warnings: list[str]) -> NDArray[np.integer] | None:
    """Returns the mask of the fixed image, or None and a warning: evaluator 2.0 continues without it too."""
    path = sibling_path(image, "masks")
    try:
        return _read_truth(path, grid, warnings)
    except MissingVolume:
        warnings.append(f"no mask {path}; SDlogJ of this pair is over the whole volume")
        return None


def _read_truth(path: Path, grid: Header, warnings: list[str]) -> NDArray[np.integer]:
    """Reads a label map or mask of the shape of its image; the hosts do not look at affines."""
    volume = read_labels(path)
    require_same_shape(grid, volume.header)
    place = f"{path.parent.name}/{path.name}"
    warnings += [f"{place}: {text}" for text in volume.header.warnings]
    warnings += affine_warnings(grid, volume.header)
    return volume.array
