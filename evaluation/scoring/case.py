"""One pair with everything that is needed to score it, read and checked."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.regions import LabelMap, box_labels
from evaluation.scoring.landmarks import PointPairs, read_point_pairs
from evaluation.scoring.siblings import sibling_path
from pairs.displacement import ReadField, find_field, read_displacement
from pairs.errors import GridMismatch
from pairs.evaluation_config import Method
from pairs.task import Pair, label_path
from pairs.volume import Header, read_header, read_labels, require_same_grid

__all__ = ["Case", "load_case", "read_checked_labels", "read_grid"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Case:
    """A pair, its displacement and the ground truth.

    Attributes:
        pair: The pair of images.
        field: The displacement as read, with its file and profile.
        fixed: Label map of the fixed image; None where no metric asks for it.
        moving: Label map of the moving image before the warp, on its own grid of the same shape.
        mask: Mask of the fixed image; None where the evaluation is not masked or there is no such file.
        points: For each `dest` of a tre metric the fixed and moving points.
        moving_spacing_mm: Voxel size of the moving image.
    """

    pair: Pair
    field: ReadField
    fixed: LabelMap | None
    moving: LabelMap | None
    mask: NDArray[np.integer] | None
    points: Mapping[str, PointPairs]
    moving_spacing_mm: tuple[float, float, float]


def read_grid(image: Path) -> Header:
    """Reads the grid of an image, or that of its label map where the image is not at hand."""
    labels = label_path(image)
    return read_header(labels if labels.is_file() and not image.exists() else image)


def read_checked_labels(image: Path, grid: Header) -> NDArray[np.integer]:
    """Reads the label map of an image and refuses one on another grid.

    Raises:
        VolumeError: If it is missing, damaged or, as a GridMismatch, on another grid.
    """
    volume = read_labels(label_path(image))
    require_same_grid(grid, volume.header)
    return volume.array


def _require_shape(grid: Header, shape: tuple[int, int, int] | None, expected_by: object) -> None:
    if shape is not None and grid.shape != shape:
        raise GridMismatch(
            f"shape differs from {expected_by}", where=grid.path, expected=shape, got=grid.shape
        )


def _read_mask(image: Path, grid: Header) -> NDArray[np.integer] | None:
    """The mask of the fixed image, or None with a warning: evaluator 2.0 goes on without it too."""
    path = sibling_path(image, "masks")
    if not path.is_file():
        _logger.warning("no mask %s; SDlogJ of this pair is over the whole volume", path)
        return None
    volume = read_labels(path)
    require_same_grid(grid, volume.header)
    return volume.array


def load_case(
    pair: Pair,
    fields: Path,
    methods: Iterable[Method],
    *,
    masked: bool = False,
    expected_shape: tuple[int, int, int] | None = None,
) -> Case:
    """Reads the displacement of a pair and what its metrics compare it with.

    Args:
        pair: The pair of images.
        fields: Folder of displacement fields.
        methods: The metrics to come; label maps and points are read only where one of them needs them.
        masked: Whether SDlogJ is restricted to the mask of the fixed image.
        expected_shape: (X, Y, Z) that the evaluation configuration asks for.

    Raises:
        DisplacementError: If the field is missing or cannot be read on the grid of the fixed image.
        VolumeError: If a label map, mask or file of points is missing, damaged or on another grid.
    """
    chosen = tuple(methods)
    fixed_grid = read_grid(pair.fixed)
    _require_shape(fixed_grid, expected_shape, "expected_shape of the configuration")
    field = read_displacement(find_field(fields, pair), fixed_grid.shape)
    moving_grid = read_grid(pair.moving)
    labels = {label for method in chosen for label in method.labels}
    fixed = moving = None
    if labels:
        _require_shape(moving_grid, fixed_grid.shape, f"the fixed image {fixed_grid.path.name}")
        fixed = box_labels(read_checked_labels(pair.fixed, fixed_grid), labels)
        moving = box_labels(read_checked_labels(pair.moving, moving_grid), labels)
    return Case(
        pair=pair,
        field=field,
        fixed=fixed,
        moving=moving,
        mask=_read_mask(pair.fixed, fixed_grid) if masked else None,
        points={
            method.dest: read_point_pairs(pair, method.dest) for method in chosen if method.dest is not None
        },
        moving_spacing_mm=moving_grid.spacing_mm,
    )
