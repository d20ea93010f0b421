"""Numbers over all pairs of an evaluation, as each official evaluator aggregates them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.evaluator import Evaluator
from evaluation.scoring.score import Score
from pairs.tasks.evaluation_config import Method

__all__ = [
    "StructureRow",
    "Summary",
    "label_value",
    "structure_rows",
    "summarise",
    "summarise_cases",
    "summarise_method",
]


@dataclass(frozen=True)
class Summary:
    """Mean, standard deviation and quantile over pairs."""

    mean: float
    std: float
    quantile: float


@dataclass(frozen=True)
class StructureRow:
    """One structure under one metric, over the pairs that have it in both images.

    Attributes:
        label: Its label.
        pairs: Number of pairs that have it.
        before: Mean before registration.
        after: Mean after registration.
        std: Standard deviation after registration, of the evaluator's ddof.
    """

    label: int
    pairs: int
    before: float
    after: float
    std: float


def summarise(
    values: Iterable[float], quantile: float = 0.3, *, ddof: int = 0, skip_nan: bool = False
) -> Summary:
    """Summarises as NumPy does: an infinite value gives mean infinity and std NaN, a NaN gives NaN.

    Args:
        values: One value for each pair.
        quantile: Which quantile to take, by linear interpolation.
        ddof: Of the standard deviation; NaN where there are not more values than this.
        skip_nan: Whether NaN is left out first, as pandas does.
    """
    array = np.asarray(list(values), dtype=np.float64)
    if skip_nan:
        array = array[~np.isnan(array)]
    if array.size == 0:
        return Summary(math.nan, math.nan, math.nan)
    with np.errstate(invalid="ignore"):
        std = float(array.std(ddof=ddof)) if array.size > ddof else math.nan
        return Summary(float(array.mean()), std, float(np.quantile(array, quantile)))


def summarise_cases(evaluator: Evaluator, metric: str, values: Iterable[float]) -> Summary:
    """Summarises the case values of a metric ("dice", "hd95", "sdlogj", "tre") as an evaluator does.

    Evaluator 2.0 uses NumPy with ddof 0; those of 2020 and 2021 use pandas, with ddof 1 and without NaN. The
    standard deviation of one pair is therefore 0 in the former and NaN in the latter.
    """
    return summarise(values, evaluator.quantiles[metric], ddof=evaluator.ddof, skip_nan=evaluator.early)


def summarise_method(evaluation: Evaluation, method: Method, *, before: bool = False) -> Summary | None:
    """Summarises a method over the pairs, after or before registration; None where it has no values."""
    cases = (score.before if before else score.after for score in evaluation.scores)
    means = [case[method.name].mean for case in cases if method.name in case]
    return summarise_cases(evaluation.evaluator, method.metric, means) if means else None


def label_value(score: Score, method: Method, label: int) -> float:
    """Returns the value of one label of a dice or hd95 method; NaN where it has none."""
    if label not in method.labels or not isinstance(score.detailed, tuple):
        return math.nan
    return score.detailed[method.labels.index(label)]


def _known(values: Iterable[float]) -> list[float]:
    return [value for value in values if not math.isnan(value)]


def structure_rows(evaluation: Evaluation, name: str) -> tuple[StructureRow, ...]:
    """Returns one row for each structure of the metric `name`, which is a dice or hd95 metric."""
    method = next(method for method in evaluation.methods if method.name == name)
    rows = []
    for label in method.labels:
        after = _known(label_value(score.after[name], method, label) for score in evaluation.scores)
        before = _known(label_value(score.before[name], method, label) for score in evaluation.scores)
        summary = summarise_cases(evaluation.evaluator, method.metric, after)
        rows.append(StructureRow(label, len(after), summarise(before).mean, summary.mean, summary.std))
    return tuple(rows)
