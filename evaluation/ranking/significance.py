"""Which methods are significantly better than which, by the documented and by the coded test."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["P_THRESHOLD", "TESTS", "better_than"]

P_THRESHOLD = 0.05
# Up to here SciPy is exact also where ranks are shared, but goes through 2 ** 13 choices of signs one by one.
_FEW_ENTRIES = 13

_Row = NDArray[np.float64]


def _signed_rank(first: _Row, second: _Row) -> tuple[float, float]:
    """Wilcoxon's signed rank test of paired samples: direction (above 0: `first` is larger) and two-sided p.

    Differences of zero share their ranks between both signs, so that many equal entries are evidence
    against a difference and only equal entries mean none.
    """
    differences = first - second
    ranks = stats.rankdata(np.abs(differences)) * np.sign(differences)
    direction = float(ranks.sum())
    if differences.size <= _FEW_ENTRIES:
        return direction, _exact_p(ranks)
    return direction, float(stats.wilcoxon(differences, zero_method="zsplit").pvalue)


def _exact_p(ranks: _Row) -> float:
    """Returns the two-sided p of signed ranks over all ways to choose their signs, as SciPy gives it."""
    # Shared ranks are halves; doubled, all are integers. The sum moves by that much with each sign.
    steps = (2 * np.abs(ranks)).astype(np.int64)
    share = np.ones(1)
    for step in steps:
        share = (np.pad(share, (step, 0)) + np.pad(share, (0, step))) / 2
    positive = int(steps[ranks > 0].sum())
    return min(1.0, 2 * min(float(share[: positive + 1].sum()), float(share[positive:].sum())))


def _rank_sum(first: _Row, second: _Row) -> tuple[float, float]:
    """Wilcoxon's rank sum test, which does not use that the entries are paired; same form of result."""
    outcome = stats.ranksums(first, second)
    return float(outcome.statistic), float(outcome.pvalue)


TESTS: Mapping[str, Callable[[_Row, _Row], tuple[float, float]]] = MappingProxyType(
    {"documented": _signed_rank, "coded": _rank_sum}
)


def better_than(values: NDArray[np.float64], *, higher_is_better: bool, test: str) -> NDArray[np.bool_]:
    """Compares every method with every other one.

    Args:
        values: (methods, entries), all finite.
        higher_is_better: Whether the larger value is the better one.
        test: "documented" (Wilcoxon signed rank, what the challenge says) or "coded" (rank sum, what its
            program computes).

    Returns:
        (methods, methods): whether the one of the row is better than the one of the column, with p < 0.05.
    """
    compare = TESTS[test]
    count = len(values)
    better = np.zeros((count, count), dtype=np.bool_)
    for one in range(count):
        for other in range(one):
            direction, p = compare(values[one], values[other])
            if p < P_THRESHOLD and direction != 0:
                winner, loser = (one, other) if (direction > 0) == higher_is_better else (other, one)
                better[winner, loser] = True
    return better
