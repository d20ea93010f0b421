"""Trials: how well a field brings the pair together if it is read in one way or another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from evaluation.check.hypotheses import AS_STORED, IDENTITY, Hypothesis
from evaluation.check.lattice import Lattice, Points
from evaluation.scoring.case import read_grid
from pairs.errors import VolumeError
from pairs.pair import Pair
from pairs.task import label_path
from pairs.volume import Header, read_image, read_labels

__all__ = ["Evidence", "Trial", "read_evidence", "try_field"]

_LEAST_SAMPLES = 4

Array = NDArray[Any]
Measure = Callable[[Array, Array], float]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a pair is compared by.

    Attributes:
        fixed: (X, Y, Z) labels or intensities of the fixed image.
        moving: The same of the moving image.
        labels: Whether these are label maps.
        same_modality: Whether intensities mean the same in both.
        header: Grid of the fixed image.
    """

    fixed: Array
    moving: Array
    labels: bool
    same_modality: bool
    header: Header

    @property
    def measure(self) -> str:
        """The word for the numbers of a trial."""
        if self.labels:
            return "mean Dice"
        return "image correlation" if self.same_modality else "correlation ratio"


@dataclass(frozen=True, eq=False)
class Trial:
    """The outcome for one field.

    Attributes:
        name: Name of the file.
        measure: What the numbers are.
        before: Without displacement.
        stored: With the field as stored.
        others: Under each hypothesis.
    """

    name: str
    measure: str
    before: float
    stored: float
    others: Mapping[str, float]


def read_evidence(pair: Pair) -> Evidence | None:
    """Reads the label maps of a pair, else its images; None where neither is at hand on one grid.

    Damaged ground truth is not the fault of the fields, so it only takes the evidence away.
    """
    same = pair.fixed_id.modality == pair.moving_id.modality
    try:
        header = read_grid(pair.fixed)
        paths = (label_path(pair.fixed), label_path(pair.moving))
        labels = all(path.is_file() for path in paths) and paths != (pair.fixed, pair.moving)
        if labels:
            fixed, moving = (read_labels(path).array for path in paths)
        else:
            fixed, moving = (read_image(path).array for path in (pair.fixed, pair.moving))
    except VolumeError:
        return None
    if fixed.shape != moving.shape:
        return None
    return Evidence(fixed, moving, labels, same, header)


def try_field(name: str, lattice: Lattice, evidence: Evidence, hypotheses: Sequence[Hypothesis]) -> Trial:
    """Measures the pair without displacement, with the field as stored, and under each hypothesis."""
    measure = _measure(evidence)
    look_moving, look_fixed = (_looker(one, evidence.labels) for one in (evidence.moving, evidence.fixed))
    points = lattice.points
    targets, back = look_fixed(points), look_moving(points)

    def score(one: Hypothesis) -> float:
        positions = points + one.apply(lattice)
        return (
            measure(back, look_fixed(positions)) if one.swapped else measure(targets, look_moving(positions))
        )

    return Trial(
        name,
        evidence.measure,
        score(IDENTITY),
        score(AS_STORED),
        {one.name: score(one) for one in hypotheses},
    )


def _looker(volume: Array, labels: bool) -> Callable[[Points], Array]:
    """Returns what looks up values at positions: nearest labels, linear intensities, 0 outside."""
    if not labels:
        return lambda positions: ndimage.map_coordinates(
            volume, np.moveaxis(positions, -1, 0), order=1, output=np.float32
        )
    # A border of background takes all positions outside, however far wrong units lead.
    padded = np.pad(volume, 1)
    limits = np.asarray(volume.shape, dtype=np.float32)
    strides = np.array([padded.shape[1] * padded.shape[2], padded.shape[2], 1], dtype=np.intp)

    def look(positions: Points) -> Array:
        index = np.rint(np.clip(positions, -1, limits)).astype(np.intp) + 1
        values: Array = padded.reshape(-1)[index @ strides]
        return values

    return look


def _measure(evidence: Evidence) -> Measure:
    if evidence.labels:
        return _mean_dice
    return _correlation if evidence.same_modality else _correlation_ratio


def _mean_dice(fixed: Array, warped: Array) -> float:
    """Mean Dice over the structures of the fixed points; those with few points are left out."""
    labels, counts = np.unique(fixed, return_counts=True)
    chosen = labels[(labels != 0) & (counts >= _LEAST_SAMPLES)]
    if not chosen.size:
        return float("nan")
    # The index of each value among the labels; all others share the last one.
    sizes = [_histogram(values, chosen) for values in (fixed, warped)]
    both = _histogram(fixed[fixed == warped], chosen)
    return float(np.mean(2 * both / (sizes[0] + sizes[1])))


def _histogram(values: Array, labels: Array) -> NDArray[np.float64]:
    place = np.searchsorted(labels, values.reshape(-1))
    place = np.minimum(place, labels.size - 1)
    hits = place[labels[place] == values.reshape(-1)]
    return np.bincount(hits, minlength=labels.size).astype(np.float64)


def _correlation(fixed: Array, warped: Array) -> float:
    one, other = (np.asarray(values, dtype=np.float64).reshape(-1) for values in (fixed, warped))
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / scale if scale > 0 else float("nan")


def _correlation_ratio(fixed: Array, warped: Array) -> float:
    """How much of the variance of the warped image the fixed intensities explain, in 32 equal shares."""
    one, other = (np.asarray(values, dtype=np.float64).reshape(-1) for values in (fixed, warped))
    place = np.argsort(np.argsort(one, kind="stable"), kind="stable") * 32 // one.size
    counts = np.maximum(np.bincount(place, minlength=32), 1)
    means = np.bincount(place, weights=other, minlength=32) / counts
    variance = float(other.var())
    return float(((means[place] - other.mean()) ** 2).mean()) / variance if variance > 0 else float("nan")
