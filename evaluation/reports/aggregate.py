"""Statistics over the pairs of a task, and the evaluation as a document in the layout of evaluator 2.0."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.score import PairScore, Score

__all__ = ["EVAL_VERSION", "StructureRow", "Summary", "as_document", "structure_rows", "summarise"]

EVAL_VERSION = "2.0"
# Evaluator 2.0 takes the quantile at the worse end, except for HD95, where 0.3 is the better one
# (facts/learn2reg.md 3.7).
_QUANTILES = {"dice": 0.3, "hd95": 0.3, "sdlogj": 0.7, "tre": 0.7}


@dataclass(frozen=True)
class Summary:
    """Mean, standard deviation (ddof 0) and quantile over pairs."""

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
        std: Standard deviation (ddof 0) after registration.
    """

    label: int
    pairs: int
    before: float
    after: float
    std: float


def summarise(values: Iterable[float], quantile: float = 0.3) -> Summary:
    """Summarises as NumPy does: an infinite value gives mean infinity and std NaN, a NaN gives NaN."""
    array = np.asarray(list(values), dtype=np.float64)
    if array.size == 0:
        return Summary(math.nan, math.nan, math.nan)
    with np.errstate(invalid="ignore"):
        return Summary(float(array.mean()), float(array.std()), float(np.quantile(array, quantile)))


def _known_values(scores: Iterable[Score], index: int) -> list[float]:
    values = (score.detailed[index] for score in scores if isinstance(score.detailed, tuple))
    return [value for value in values if not math.isnan(value)]


def structure_rows(evaluation: Evaluation, name: str) -> tuple[StructureRow, ...]:
    """Returns one row for each structure of the metric `name`, which is a dice or hd95 metric."""
    labels = next(method.labels for method in evaluation.methods if method.name == name)
    rows = []
    for index, label in enumerate(labels):
        after = _known_values((score.after[name] for score in evaluation.scores), index)
        before = _known_values((score.before[name] for score in evaluation.scores), index)
        summary = summarise(after)
        rows.append(StructureRow(label, len(after), summarise(before).mean, summary.mean, summary.std))
    return tuple(rows)


def _score_entry(score: Score) -> dict[str, object]:
    detailed = list(score.detailed) if isinstance(score.detailed, tuple) else score.detailed
    return {"mean": score.mean, "detailed": detailed}


def _official_case(score: PairScore, smoothness_names: Sequence[str]) -> dict[str, object]:
    case: dict[str, object] = {}
    for name, value in score.after.items():
        case[name] = _score_entry(value)
        if name in smoothness_names:
            # Always zero in evaluator 2.0, which counts after clipping; the true fraction is under "true".
            case["num_foldings"] = {"mean": 0.0, "detailed": 0.0}
    return case


def _aggregates(evaluation: Evaluation, scores: Sequence[Mapping[str, Score]]) -> dict[str, object]:
    entries: dict[str, object] = {}
    for method in evaluation.methods:
        means = [score[method.name].mean for score in scores if method.name in score]
        if means:
            summary = summarise(means, _QUANTILES[method.metric])
            entries[method.name] = {"mean": summary.mean, "std": summary.std, "30": summary.quantile}
    return entries


def _true_case(score: PairScore) -> dict[str, object]:
    return {
        "field": score.field.name,
        "profile": score.profile,
        "fold_fraction": score.regularity.fold_fraction,
        "sdlogj_plain": score.regularity.sdlogj_plain,
        "before": {name: _score_entry(value) for name, value in score.before.items()},
    }


def _true_aggregates(evaluation: Evaluation) -> dict[str, object]:
    folds = summarise((score.regularity.fold_fraction for score in evaluation.scores), 0.7)
    plain = summarise((score.regularity.sdlogj_plain for score in evaluation.scores), 0.7)
    return {
        "fold_fraction": {"mean": folds.mean, "std": folds.std, "30": folds.quantile},
        "sdlogj_plain": {"mean": plain.mean, "std": plain.std, "30": plain.quantile},
        "before": _aggregates(evaluation, [score.before for score in evaluation.scores]),
        "structures": {
            method.name: [
                {
                    "label": row.label,
                    "name": evaluation.label_names.get(row.label),
                    "pairs": row.pairs,
                    "before": row.before,
                    "after": row.after,
                    "std": row.std,
                }
                for row in structure_rows(evaluation, method.name)
            ]
            for method in evaluation.methods
            if method.labels
        },
    }


def as_document(evaluation: Evaluation) -> dict[str, object]:
    """Lays out an evaluation for JSON.

    Returns:
        The keys of evaluator 2.0 (`name`, `aggregates`, `cases`, `eval_version`; facts/learn2reg.md 3.7) with
        nothing added in them, and one key more, `true`, with own `aggregates` and `cases`. NaN and infinity
        stay floats.
    """
    smoothness_names = [method.name for method in evaluation.methods if method.metric == "sdlogj"]
    return {
        "name": evaluation.name,
        "aggregates": _aggregates(evaluation, [score.after for score in evaluation.scores]),
        "cases": {score.name: _official_case(score, smoothness_names) for score in evaluation.scores},
        "eval_version": EVAL_VERSION,
        "true": {
            "aggregates": _true_aggregates(evaluation),
            "cases": {score.name: _true_case(score) for score in evaluation.scores},
        },
    }
