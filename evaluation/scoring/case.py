"""One pair with everything that is needed to score it, read and checked."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.regions import LabelMap
from evaluation.scoring.faults import Gathered
from evaluation.scoring.groundtruth import read_grid, read_label_map, read_mask
from evaluation.scoring.landmarks import PointPairs, point_paths, read_point_pairs
from pairs.errors import GridMismatch
from pairs.fields.displacement import ReadField, find_field, read_displacement
from pairs.files.regularfile import is_regular
from pairs.images.grid import orientation_warnings
from pairs.images.volume import Header
from pairs.tasks.evaluation_config import Method
from pairs.tasks.imagefiles import sibling_path
from pairs.tasks.task import Pair, label_path

__all__ = [
    "Case",
    "FieldReader",
    "load_case",
    "read_field",
    "truth_files",
]

# Folder of fields, pair, grid of the fixed image, grid of the moving image.
FieldReader: TypeAlias = Callable[[Path, Pair, Header, Header], ReadField]


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
        fixed_spacing_mm: Voxel size of the fixed image.
        moving_spacing_mm: Voxel size of the moving image.
        warnings: What is unusual about the files. Hosts ignore affines, so the numbers do not depend on it.
    """

    pair: Pair
    field: ReadField
    fixed: LabelMap | None
    moving: LabelMap | None
    mask: NDArray[np.integer] | None
    points: Mapping[str, PointPairs]
    fixed_spacing_mm: tuple[float, float, float]
    moving_spacing_mm: tuple[float, float, float]
    warnings: tuple[str, ...] = ()


def read_field(folder: Path, pair: Pair, fixed: Header, moving: Header) -> ReadField:
    """Reads the field of a pair in one of the challenge's own profiles: the usual `FieldReader`."""
    return read_displacement(find_field(folder, pair), fixed.shape)


def _require_shape(grid: Header, shape: tuple[int, int, int] | None, expected_by: object) -> None:
    if shape is not None and grid.shape != shape:
        raise GridMismatch(
            f"shape differs from {expected_by}", where=grid.path, expected=shape, got=grid.shape
        )


def _labels_of(methods: Iterable[Method]) -> set[int]:
    return {label for method in methods for label in method.labels}


def _destinations(methods: Iterable[Method]) -> list[str]:
    return list(dict.fromkeys(method.dest for method in methods if method.dest is not None))


def truth_files(pair: Pair, methods: Iterable[Method], *, masked: bool) -> tuple[Path, ...]:
    """Lists the files beside the images that decide the scores of a pair.

    Raises:
        VolumeError: If points are missing; a label map that is missing is listed all the same.
    """
    chosen = tuple(methods)
    files = [label_path(pair.fixed), label_path(pair.moving)] if _labels_of(chosen) else []
    if masked and is_regular(mask := sibling_path(pair.fixed, "masks")):
        files.append(mask)
    return (*files, *(path for dest in _destinations(chosen) for path in point_paths(pair, dest)))


def load_case(
    pair: Pair,
    fields: Path,
    methods: Iterable[Method],
    *,
    reader: FieldReader = read_field,
    masked: bool = False,
    expected_shape: tuple[int, int, int] | None = None,
) -> Case:
    """Reads the displacement of a pair and what its metrics compare it with.

    Args:
        pair: The pair of images.
        fields: Folder of displacement fields.
        methods: The metrics to come; label maps and points are read only where one of them needs them.
        reader: How to read a field.
        masked: Whether SDlogJ is restricted to the mask of the fixed image.
        expected_shape: (X, Y, Z) that the evaluation configuration asks for.

    Raises:
        DisplacementError: If the field is missing or cannot be read on the grid of the fixed image.
        VolumeError: If a label map, mask or file of points is missing, damaged or of another shape; as
            `SeveralFaults` if more than one thing is wrong.
    """
    chosen = tuple(methods)
    fixed_grid, moving_grid = read_grid(pair.fixed), read_grid(pair.moving)
    _require_shape(fixed_grid, expected_shape, "expected_shape of the configuration")
    labels = _labels_of(chosen)
    if labels:
        _require_shape(moving_grid, fixed_grid.shape, f"the fixed image {fixed_grid.path.name}")
    gathered = Gathered()
    warnings = list(orientation_warnings(fixed_grid, moving_grid))
    fixed = moving = None
    # The field takes the longest, so the other files are read at the same time.
    with ThreadPoolExecutor(1) as aside:
        reading = aside.submit(reader, fields, pair, fixed_grid, moving_grid)
        if labels:
            fixed = gathered.attempt(read_label_map, pair.fixed, fixed_grid, labels, warnings)
            moving = gathered.attempt(read_label_map, pair.moving, moving_grid, labels, warnings)
        mask = gathered.attempt(read_mask, pair.fixed, fixed_grid, warnings) if masked else None
        points = {dest: gathered.attempt(read_point_pairs, pair, dest) for dest in _destinations(chosen)}
        field = gathered.attempt(reading.result)
    gathered.require_none(pair.name)
    known = {dest: found for dest, found in points.items() if found is not None}
    if field is None:
        raise TypeError("a FieldReader returned no field")
    spacings = fixed_grid.spacing_mm, moving_grid.spacing_mm
    return Case(pair, field, fixed, moving, mask, known, *spacings, tuple(warnings))
