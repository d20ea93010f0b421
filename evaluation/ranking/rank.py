"""Ranks of several methods: by metric, and over all metrics of the task."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from evaluation.ranking.samples import RUNTIME, Samples
from evaluation.ranking.significance import better_than

__all__ = ["MetricRanks", "Ranking", "metric_ranks", "rank_methods"]

_LOWEST_RANK = 0.1
_SCORE_DIGITS = 12


@dataclass(frozen=True)
class MetricRanks:
    """The ranks under one metric.

    Attributes:
        samples: What was compared.
        better: (methods, methods): whether that of the row is significantly better than that of the column.
        ranks: (methods,), from 0.1 to 1, which is best.
    """

    samples: Samples
    better: NDArray[np.bool_]
    ranks: NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """The ranks under one test.

    Attributes:
        test: "documented" or "coded".
        names: The methods.
        metrics: One entry for each metric.
        scores: (methods,), geometric mean of the metric ranks without runtime.
        scores_with_runtime: The same with runtime; None where runtime is not ranked.
    """

    test: str
    names: tuple[str, ...]
    metrics: tuple[MetricRanks, ...]
    scores: NDArray[np.float64]
    scores_with_runtime: NDArray[np.float64] | None

    @property
    def order(self) -> tuple[int, ...]:
        """Indices of the methods, best task score first (with runtime where ranked), then by name."""
        places = self.places
        return tuple(sorted(range(len(self.names)), key=lambda index: (places[index], self.names[index])))

    @property
    def places(self) -> tuple[int, ...]:
        """Place of each method by task score (with runtime where ranked), from 1; equal scores share one."""
        scores = self.scores if self.scores_with_runtime is None else self.scores_with_runtime
        # The order of the factors may not decide between equal products.
        places = stats.rankdata(-scores.round(_SCORE_DIGITS), method="min")
        return tuple(int(place) for place in places)


def _mapped(losses: NDArray[np.int64]) -> NDArray[np.float64]:
    """Spreads methods over linspace(0.1, 1, N), fewest losses at 1; equal ones share a mean place."""
    count = len(losses)
    places = stats.rankdata(losses, method="average") - 1
    # Of equal steps, so the mean of several places has the mean of their ranks.
    ranks: NDArray[np.float64] = np.interp(places, np.arange(count), np.linspace(1, _LOWEST_RANK, count))
    return ranks


def metric_ranks(samples: Samples, test: str) -> MetricRanks:
    """Ranks methods under one metric by how many others are significantly better.

    A method without any value of the metric is read in two ways. The challenge's documentation gives the
    lowest rank, 0.1, to all methods that have no result, and so does the documented test: such a method
    beats none and takes one of the last places. The challenge's program compares fill-ins in its place, and
    so does the coded test: several such methods then share the mean of the last places. The documentation
    also counts comparisons won; the program counts those lost, and both tests here do.

    Args:
        samples: The values of at least two methods.
        test: "documented" or "coded".
    """
    better = better_than(samples.values, higher_is_better=samples.higher_is_better, test=test)
    if test == "coded":
        return MetricRanks(samples, better, _mapped(better.sum(axis=0)))
    better[samples.absent] = False
    losses = np.where(samples.absent, len(better), better.sum(axis=0))
    return MetricRanks(samples, better, np.where(samples.absent, _LOWEST_RANK, _mapped(losses)))


def _geometric_mean(metrics: Sequence[MetricRanks]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.exp(np.log([metric.ranks for metric in metrics]).mean(axis=0))
    return mean


def rank_methods(names: Sequence[str], samples: Sequence[Samples], test: str) -> Ranking:
    """Ranks methods under every metric, and over all of them by the geometric mean of these ranks.

    Args:
        names: The methods, in the order of the samples; at least two.
        samples: The values of each metric, at least one beside runtime.
        test: "documented" or "coded".
    """
    metrics = tuple(metric_ranks(sample, test) for sample in samples)
    without = [metric for metric in metrics if metric.samples.title != RUNTIME]
    timed = len(without) < len(metrics)
    return Ranking(
        test=test,
        names=tuple(names),
        metrics=metrics,
        scores=_geometric_mean(without),
        scores_with_runtime=_geometric_mean(metrics) if timed else None,
    )
