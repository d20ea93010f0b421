"""The evaluation as a JSON document, in the layout of the official evaluator."""

import math
from collections import Counter
from collections.abc import Sequence

from evaluation.reports.aggregate import summarise_method
from evaluation.reports.truth import score_entry, summary_entry, true_document
from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.score import PairScore
from pairs.tasks.evaluation_config import Method

__all__ = ["as_document"]

_EVAL_VERSION = "2.0"
# Always zero in evaluator 2.0, which counts after clipping; the true fraction is under "true".
_NO_FOLDINGS = {"mean": 0.0, "detailed": 0.0}
_NO_FOLDINGS_SUMMARY = {"mean": 0.0, "std": 0.0, "30": 0.0}
# What the golden files of the half-resolution scorer call it.
_TITLES = {"2021": "2021 half resolution", "2020": "2020"}


def as_document(evaluation: Evaluation, *, strict: bool = False) -> dict[str, object]:
    """Lays out an evaluation for JSON.

    2.0 and 2023 have the keys `name`, `aggregates`, `cases` and `eval_version`, 2021
    and 2020 the keys `evaluator`, `cases` and `aggregates`: one number for each case and metric, cases named
    by subjects alone ("0001<--0002"), or in full where two cases would share that name. Nothing is added in
    them. A further key, `true`, has what the official evaluators do not compute.

    Args:
        evaluation: The evaluation.
        strict: Whether NaN and infinity, which JSON does not have, become null; a last key `nonfinite` then
            lists where they were, as JSON pointers, and which they were. Otherwise they stay floats.
    """
    early = evaluation.evaluator.early
    names = _short_names(evaluation.scores) if early else [score.name for score in evaluation.scores]
    document = _early_document(evaluation, names) if early else _document(evaluation, names)
    document["true"] = true_document(evaluation, names)
    if not strict:
        return document
    found: list[dict[str, str]] = []
    finite = {key: _without_nonfinite(value, f"/{_escape(key)}", found) for key, value in document.items()}
    return finite | {"nonfinite": found}


def _document(evaluation: Evaluation, names: Sequence[str]) -> dict[str, object]:
    cases = zip(names, evaluation.scores, strict=True)
    return {
        "name": evaluation.name,
        "aggregates": _aggregates(evaluation, evaluation.methods),
        "cases": {name: _case(score, evaluation.methods) for name, score in cases},
        "eval_version": _EVAL_VERSION,
    }


def _case(score: PairScore, methods: Sequence[Method]) -> dict[str, object]:
    case: dict[str, object] = {}
    for method in methods:
        case[method.name] = score_entry(score.after[method.name])
        if method.metric == "sdlogj":
            case["num_foldings"] = dict(_NO_FOLDINGS)
    return case


def _aggregates(evaluation: Evaluation, methods: Sequence[Method]) -> dict[str, object]:
    entries: dict[str, object] = {}
    for method in methods:
        summary = summarise_method(evaluation, method)
        if summary is not None:
            entries[method.name] = summary_entry(summary)
        if method.metric == "sdlogj" and evaluation.evaluator.name == "2023":
            # Dropped from the aggregates together with the quantiles' change of 2024-08.
            entries["num_foldings"] = dict(_NO_FOLDINGS_SUMMARY)
    return entries


def _early_document(evaluation: Evaluation, names: Sequence[str]) -> dict[str, object]:
    evaluator = evaluation.evaluator
    methods = [method for method in evaluation.methods if evaluator.reports(method)]
    cases = {
        name: {method.name: score.after[method.name].mean for method in methods}
        for name, score in zip(names, evaluation.scores, strict=True)
    }
    return {
        "evaluator": _TITLES[evaluator.name],
        "cases": cases,
        "aggregates": _aggregates(evaluation, methods),
    }


def _short_names(scores: Sequence[PairScore]) -> list[str]:
    """Names cases as in 2021, without modalities; in full where that would let one overwrite another."""
    short = ["<--".join(side.partition("_")[0] for side in score.name.split("<--")) for score in scores]
    uses = Counter(short)
    return [name if uses[name] == 1 else score.name for name, score in zip(short, scores, strict=True)]


def _without_nonfinite(value: object, where: str, found: list[dict[str, str]]) -> object:
    """Copies a part of a document with null for NaN and infinity, and notes these in `found`."""
    if isinstance(value, dict):
        return {
            key: _without_nonfinite(one, f"{where}/{_escape(str(key))}", found) for key, one in value.items()
        }
    if isinstance(value, list):
        return [_without_nonfinite(one, f"{where}/{index}", found) for index, one in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        was = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        found.append({"path": where, "was": was})
        return None
    return value


def _escape(key: str) -> str:
    """Escapes a key for a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
