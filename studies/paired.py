"""The difference between two methods on the same pairs: its bootstrap interval and its t-test."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ttest_rel

from pairs.errors import UsageError

__all__ = ["Interval", "bootstrap_interval", "paired_differences", "paired_p_value"]

_DRAWS = 10_000


@dataclass(frozen=True)
class Interval:
    """A mean and the percentile interval of its bootstrap."""

    mean: float
    low: float
    high: float


def paired_differences(values: Mapping[str, float], reference: Mapping[str, float]) -> NDArray[np.float64]:
    """Returns `values - reference` of each pair, without the pairs in which either is NaN.

    Raises:
        UsageError: If the two are not of the same pairs, or no difference is left.
    """
    if values.keys() != reference.keys():
        raise UsageError("different pairs cannot be compared", expected=sorted(reference), got=sorted(values))
    differences = np.array([values[name] - reference[name] for name in reference], dtype=np.float64)
    known = differences[~np.isnan(differences)]
    if known.size == 0:
        raise UsageError("no pair is scored under both weights")
    return known


def bootstrap_interval(differences: NDArray[np.float64], *, level: float = 0.95, seed: int = 0) -> Interval:
    """Resamples whole pairs with replacement; the interval holds the middle `level` of the means.

    Args:
        differences: One number for each pair, at least one.
        level: Share of the resampled means inside the interval.
        seed: Of the resampling; the same seed gives the same interval.
    """
    count = differences.size
    drawn = np.random.default_rng(seed).integers(count, size=(_DRAWS, count))
    low, high = np.quantile(differences[drawn].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(differences.mean()), float(low), float(high))


def paired_p_value(differences: NDArray[np.float64]) -> float:
    """Two-sided p of the paired t-test, as in the paper; NaN for fewer than two pairs or equal methods."""
    if differences.size < 2 or not differences.any():
        return float("nan")
    return float(ttest_rel(differences, np.zeros_like(differences)).pvalue)
