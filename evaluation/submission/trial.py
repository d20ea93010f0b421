"""Trials: how well a field brings its pair together if it is read in one way or another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.scoring.case import read_grid
from evaluation.submission.lattice import Points, lattice_over
from evaluation.submission.readings import Reading
from pairs.errors import MissingVolume, VolumeError
from pairs.images.volume import Header, read_image, read_labels
from pairs.tasks.pair import Pair
from pairs.tasks.task import label_path

__all__ = ["Evidence", "Likeness", "Trial", "read_evidence", "try_field"]

# A pair that agrees this well without displacement (an image with itself) tells nothing.
_AGREES = 0.95
_LEAST_SAMPLES = 4
_SHARES = 32

Array = NDArray[Any]
Measure = Callable[[Array], float]


@dataclass(frozen=True, eq=False)
class Likeness:
    """What the two sides of a pair are compared by.

    Attributes:
        measure: The word for the numbers that come out: 1 where the sides agree, about 0 where they do not.
        fixed: (X, Y, Z) labels or intensities of the fixed image.
        moving: The same of the moving image.
    """

    measure: str
    fixed: Array
    moving: Array


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that a pair can be compared by, what the official score is made of first; and its grid."""

    likenesses: tuple[Likeness, ...]
    header: Header
    lost: tuple[str, ...] = ()
    """What is there and cannot be read, one sentence each."""


@dataclass(frozen=True, eq=False)
class Trial:
    """The outcome for one field; the first axis of the arrays is that of the likenesses.

    Attributes:
        name: Name of the file.
        measures: What the numbers are.
        tried: The readings, the one as stored first.
        before: (L,) without displacement.
        after: (L, R) under each reading.
    """

    name: str
    measures: tuple[str, ...]
    tried: Sequence[Reading]
    before: NDArray[np.float64]
    after: NDArray[np.float64]

    @property
    def tells(self) -> bool:
        """Whether there is something to compare, and to bring together: a pair of one image has nothing."""
        return bool(np.isfinite(self.before).all()) and float(self.before[0]) < _AGREES


def read_evidence(pair: Pair) -> Evidence | None:
    """Reads the label maps and images of a pair, as far as they are at hand on one grid; None without any.

    Damaged ground truth is not the fault of the fields, so it only takes the evidence away.
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
    name: str, displacement: NDArray[np.float32], evidence: Evidence, tried: Sequence[Reading]
) -> Trial:
    """Measures the pair without displacement and with the field under each reading.

    Args:
        name: Name of the file.
        displacement: (X, Y, Z, 3), on the full grid, in the units of the file.
        evidence: What the pair is compared by.
        tried: The readings, the one as stored first.
    """
    first = evidence.likenesses[0]
    lattice = lattice_over((first.fixed, first.moving))
    sides = [(_Side(one.fixed), _Side(one.moving)) for one in evidence.likenesses]
    here = first.fixed.shape
    still = _places(lattice.points, here)
    # From the fixed grid into the moving image, and the other way for a field that is swapped.
    ways = [
        (_measure(one, fixed.at(still)), _measure(one, moving.at(still)))
        for one, (fixed, moving) in zip(evidence.likenesses, sides, strict=True)
    ]
    before = [forth(moving.at(still)) for (forth, _), (_, moving) in zip(ways, sides, strict=True)]
    after = np.empty((len(sides), len(tried)))
    for column, reading in enumerate(tried):
        places = _places(reading.positions(displacement, lattice), here)
        for row, ((forth, back), (fixed, moving)) in enumerate(zip(ways, sides, strict=True)):
            after[row, column] = back(fixed.at(places)) if reading.swapped else forth(moving.at(places))
    measures = tuple(one.measure for one in evidence.likenesses)
    # Where the warped image is of one value there is no correlation.
    return Trial(name, measures, tried, np.array(before), np.nan_to_num(after, nan=0.0))


class _Side:
    """A volume with a border of background, which takes all positions outside of it."""

    def __init__(self, volume: Array) -> None:
        self._values = np.pad(volume, 1, constant_values=min(0, volume.min())).reshape(-1)

    def at(self, places: NDArray[np.intp]) -> Array:
        return self._values[places]


def _places(positions: Points, shape: Sequence[int]) -> NDArray[np.intp]:
    """Returns the nearest voxels as places in a padded volume, however far wrong units lead."""
    limits = np.asarray(shape, dtype=np.float32)
    strides = np.array([(shape[1] + 2) * (shape[2] + 2), shape[2] + 2, 1], dtype=np.intp)
    index: NDArray[np.intp] = (np.rint(np.clip(positions, -1, limits)).astype(np.intp) + 1) @ strides
    return index


def _measure(likeness: Likeness, target: Array) -> Measure:
    if likeness.measure == "mean Dice":
        return _dice_with(target)
    return _correlation_with(target) if likeness.measure == "image correlation" else _ratio_with(target)


def _dice_with(target: Array) -> Measure:
    """Mean Dice over the structures of the target; those with few points are left out."""
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
    """How much of the variance of the warped image the target explains, in 32 equal shares of intensity."""
    place = np.argsort(np.argsort(target, kind="stable"), kind="stable") * _SHARES // target.size
    counts = np.maximum(np.bincount(place, minlength=_SHARES), 1)

    def measure(warped: Array) -> float:
        other = warped.astype(np.float64)
        means = np.bincount(place, weights=other, minlength=_SHARES) / counts
        variance = float(other.var())
        explained = float(((means[place] - other.mean()) ** 2).mean())
        return explained / variance if variance > 0 else float("nan")

    return measure
