"""Trials: how well a field aligns its pair if it is stored in one convention or another."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.scoring.groundtruth import read_grid
from evaluation.submission.conventions import CONVENTIONS, Convention
from pairs.errors import MissingVolume, VolumeError
from pairs.images.volume import Header, read_image, read_labels
from pairs.tasks.pair import Pair
from pairs.tasks.task import label_path

__all__ = ["Evidence", "Likeness", "Trial", "read_evidence", "sample_points", "try_field"]

# Enough to see whether a field aligns its pair.
_MAX_POINTS = 4_000
# Thin sides keep at least so many samples.
_LEAST_SIDE = 4
# What moves into the structures from beyond them.
_MARGIN_VOX = 4
_LEAST_SAMPLES = 4
_BINS = 32

Array = NDArray[Any]
Measure = Callable[[Array], float]
Mesh = tuple[NDArray[np.intp], ...]


@dataclass(frozen=True, eq=False)
class Likeness:
    """Two volumes of a pair that can be compared.

    Attributes:
        measure: Name of the measure: 1 where the volumes agree, about 0 where they do not.
        fixed: (X, Y, Z) labels or intensities of the fixed image.
        moving: The same of the moving image.
    """

    measure: str
    fixed: Array
    moving: Array


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that a pair can be compared by, labels before images, and the grid of its fixed image.

    Attributes:
        likenesses: The volumes.
        header: Shape, spacing and affine of the fixed image.
        lost: The files that exist and cannot be read, one sentence each.
    """

    likenesses: tuple[Likeness, ...]
    header: Header
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Trial:
    """The outcome for one field; the first axis of the arrays is that of the likenesses.

    Attributes:
        name: Name of the file.
        measures: Names of the measures.
        header: Shape, spacing and affine of the fixed image.
        before: (L,) without displacement.
        after: (L, C) in each of the conventions; NaN where one does not fit the grid.
        informative: Whether there is something to align: not so for a pair of one image.
    """

    name: str
    measures: tuple[str, ...]
    header: Header
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    informative: bool = True


def read_evidence(pair: Pair) -> Evidence | None:
    """Reads the label maps and images of a pair that exist on one grid; returns None without any.

    Damaged ground truth is no fault of the fields: it only leaves less to compare.
    """
    try:
        header = read_grid(pair.fixed)
    except VolumeError:
        return None
    images = "image correlation"
    if pair.fixed_id.modality != pair.moving_id.modality:
        images = "correlation ratio"
    sources = (
        ("mean Dice", read_labels, label_path(pair.fixed), label_path(pair.moving)),
        (images, read_image, pair.fixed, pair.moving),
    )
    found: list[Likeness] = []
    lost: list[str] = []
    for measure, read, fixed, moving in sources:
        try:
            likeness = Likeness(measure, read(fixed).array, read(moving).array)
        except MissingVolume:
            continue
        except VolumeError as fault:
            lost.append(str(fault))
            continue
        if likeness.fixed.shape == likeness.moving.shape == header.shape:
            found.append(likeness)
    return Evidence(tuple(found), header, tuple(lost)) if found else None


def try_field(
    name: str,
    displacement: NDArray[np.float32],
    evidence: Evidence,
    conventions: Sequence[Convention] = CONVENTIONS,
) -> Trial:
    """Measures how well a pair is aligned without displacement and with the field in each convention.

    Args:
        name: Name of the file.
        displacement: (X, Y, Z, 3), on the full grid, in the units of the file.
        evidence: What the pair is compared by.
        conventions: The conventions, the challenge's own first.
    """
    header, first = evidence.header, evidence.likenesses[0]
    mesh = sample_points(first.fixed, first.moving)
    points = np.stack(np.broadcast_arrays(*mesh), axis=-1)
    still = _places(points, header.shape)
    sides = [(_Side(one.fixed), _Side(one.moving)) for one in evidence.likenesses]
    # From the fixed grid into the moving image, and the other way for a field that is swapped.
    ways = [
        (_measure(one, fixed.at(still)), _measure(one, moving.at(still)))
        for one, (fixed, moving) in zip(evidence.likenesses, sides, strict=True)
    ]
    before = np.array([forth(moving.at(still)) for (forth, _), (_, moving) in zip(ways, sides, strict=True)])
    after = np.full((len(sides), len(conventions)), np.nan)
    for column, convention in enumerate(conventions):
        if not convention.fits(header.shape):
            continue
        places = _places(convention.displacement(displacement, header, mesh) + points, header.shape)
        for row, ((forth, back), (fixed, moving)) in enumerate(zip(ways, sides, strict=True)):
            found = back(fixed.at(places)) if convention.swapped else forth(moving.at(places))
            # Where the warped image has only one value there is no correlation.
            after[row, column] = np.nan_to_num(found)
    informative = bool(np.isfinite(before).all()) and not np.array_equal(first.fixed, first.moving)
    return Trial(name, tuple(one.measure for one in evidence.likenesses), header, before, after, informative)


def sample_points(first: Array, second: Array) -> Mesh:
    """Returns an open mesh of every n-th voxel of the box in which one of two (X, Y, Z) volumes is not 0."""
    occupied = (first != 0) | (second != 0)
    spans = [_span(occupied.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    step = 1
    while math.prod(-(-len(span) // step) for span in spans) > _MAX_POINTS:
        step += 1
    return np.ix_(*(_thinned(span, step) for span in spans))


def _span(occupied: NDArray[np.bool_]) -> range:
    found = np.flatnonzero(occupied)
    if not found.size:
        return range(occupied.size)
    return range(max(0, int(found[0]) - _MARGIN_VOX), min(occupied.size, int(found[-1]) + 1 + _MARGIN_VOX))


def _thinned(span: range, step: int) -> range:
    step = max(1, min(step, len(span) // _LEAST_SIDE))
    return span[(len(span) - 1) % step // 2 :: step]


class _Side:
    """A volume with a border of background, which takes all positions outside of it."""

    def __init__(self, volume: Array) -> None:
        self._values = np.pad(volume, 1, constant_values=min(0, volume.min())).reshape(-1)

    def at(self, places: NDArray[np.intp]) -> Array:
        return self._values[places]


def _places(positions: NDArray[Any], shape: Sequence[int]) -> NDArray[np.intp]:
    """Returns the flat indices of the nearest voxels in a padded volume, one for each position (..., 3).

    Positions outside, which wrong units lead to, are those of its border.
    """
    limits = np.asarray(shape, dtype=np.float32)
    strides = np.array([(shape[1] + 2) * (shape[2] + 2), shape[2] + 2, 1], dtype=np.intp)
    index: NDArray[np.intp] = (np.rint(np.clip(positions, -1, limits)).astype(np.intp) + 1) @ strides
    return index.reshape(-1)


def _measure(likeness: Likeness, target: Array) -> Measure:
    if likeness.measure == "mean Dice":
        return _dice_with(target)
    return _correlation_with(target) if likeness.measure == "image correlation" else _ratio_with(target)


def _dice_with(target: Array) -> Measure:
    """Returns the measure of mean Dice over the structures of the target that have enough samples."""
    labels, counts = np.unique(target, return_counts=True)
    chosen = labels[(labels != 0) & (counts >= _LEAST_SAMPLES)]
    if not chosen.size:
        return lambda _: float("nan")
    own = _histogram(target, chosen)

    def measure(warped: Array) -> float:
        both = _histogram(target[target == warped], chosen)
        return float(np.mean(2 * both / (own + _histogram(warped, chosen))))

    return measure


def _histogram(values: Array, labels: Array) -> NDArray[np.float64]:
    place = np.minimum(np.searchsorted(labels, values), labels.size - 1)
    hits = place[labels[place] == values]
    return np.bincount(hits, minlength=labels.size).astype(np.float64)


def _correlation_with(target: Array) -> Measure:
    one = target.astype(np.float64) - target.mean(dtype=np.float64)
    scale = float(one @ one)

    def measure(warped: Array) -> float:
        other = warped.astype(np.float64) - warped.mean(dtype=np.float64)
        product = float(np.sqrt(scale * (other @ other)))
        return float(one @ other) / product if product > 0 else float("nan")

    return measure


def _ratio_with(target: Array) -> Measure:
    """Returns the measure of how much variance of the warped image the target explains, in equal bins."""
    place = np.argsort(np.argsort(target, kind="stable"), kind="stable") * _BINS // target.size
    counts = np.maximum(np.bincount(place, minlength=_BINS), 1)

    def measure(warped: Array) -> float:
        other = warped.astype(np.float64)
        means = np.bincount(place, weights=other, minlength=_BINS) / counts
        variance = float(other.var())
        explained = float(((means[place] - other.mean()) ** 2).mean())
        return explained / variance if variance > 0 else float("nan")

    return measure
