"""The results of one method, read from the JSON file of an evaluator."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pairs.errors import TaskError
from pairs.files.document import field_faults, read_document

__all__ = ["Entry", "MethodResults", "Metric", "read_results"]

Metric = str

# What the evaluators of the years call the three metrics that are ranked.
_METRICS = {
    "dsc": "dice",
    "dice": "dice",
    "dicecoefficient": "dice",
    "hd95": "hd95",
    "hausdorffdistance95": "hd95",
    "logjacdetstd": "sdlogj",
    "sdlogj": "sdlogj",
}
_NEVER_RANKED = "num_foldings"


@dataclass(frozen=True)
class Entry:
    """The value of one metric for one pair.

    Attributes:
        mean: The value of the pair; NaN where the file has none.
        detailed: One value for each label; None where the file gives only the value of the pair.
    """

    mean: float
    detailed: tuple[float, ...] | None


@dataclass(frozen=True)
class MethodResults:
    """The results of one method.

    Attributes:
        name: Name of the method.
        path: The file they were read from.
        task: Name of the task; None if the file does not say.
        after: By pair and metric ("dice", "hd95", "sdlogj") the scores.
        before: The same before registration; empty in the files of the official evaluators.
        labels: By metric the label ids, if the file has them.
        unranked: Names of the metrics in the file that the ranking does not use.
        evaluator: The evaluator that wrote it, "2.0" or a year; None if the file does not say.
    """

    name: str
    path: Path
    task: str | None
    after: Mapping[str, Mapping[Metric, Entry]]
    before: Mapping[str, Mapping[Metric, Entry]]
    labels: Mapping[Metric, tuple[int, ...]]
    unranked: frozenset[str]
    evaluator: str | None = None


def _metric(name: str) -> Metric | None:
    return _METRICS.get(name.lower())


def _of_ranked_metrics(value: object) -> object:
    """Drops other metrics before they are checked: their form is not known."""
    if not isinstance(value, dict):
        return value
    return {name: entry for name, entry in value.items() if isinstance(name, str) and _metric(name)}


def _as_score(value: object) -> object:
    """Gives the single numbers of the 2021 layout the form of later ones."""
    return value if isinstance(value, dict) else {"mean": value}


def _list_or_nothing(value: object) -> object:
    return value if isinstance(value, list) else None


# Other programs write these files, and add keys from version to version. Unknown keys are ignored, unlike in
# files that users write.
class _Form(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Score(_Form):
    # None is NaN or infinity in files that are strict JSON.
    mean: float | None = None
    detailed: Annotated[list[float | None] | None, BeforeValidator(_list_or_nothing)] = None


_Scores = Annotated[
    dict[str, Annotated[_Score, BeforeValidator(_as_score)]], BeforeValidator(_of_ranked_metrics)
]


class _Structure(_Form):
    label: int


class _TrueCase(_Form):
    before: _Scores = {}
    after: _Scores = {}


class _TrueAggregates(_Form):
    structures: Annotated[dict[str, list[_Structure]], BeforeValidator(_of_ranked_metrics)] = {}


class _True(_Form):
    name: str | None = None
    evaluator: str | None = None
    aggregates: _TrueAggregates = _TrueAggregates()
    cases: dict[str, _TrueCase] = {}


class _Document(_Form):
    name: str | None = None
    eval_version: str | None = None
    evaluator: str | None = None
    cases: dict[str, _Scores] = Field(min_length=1)
    true: _True = _True()


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _entries(scores: Mapping[str, _Score]) -> Mapping[Metric, Entry]:
    entries: dict[Metric, Entry] = {}
    for name, score in scores.items():
        metric = _metric(name)
        if metric is not None and metric not in entries:
            detailed = tuple(_number(value) for value in score.detailed or ())
            entries[metric] = Entry(_number(score.mean), detailed or None)
    return entries


def _other_metrics(document: object) -> frozenset[str]:
    cases = document.get("cases") if isinstance(document, dict) else None
    names = {name for case in cases.values() for name in case} if isinstance(cases, dict) else set()
    return frozenset(name for name in names if _metric(name) is None and name != _NEVER_RANKED)


def _evaluator(document: _Document) -> str | None:
    name = document.true.evaluator or document.evaluator or document.eval_version
    # The golden files say "2021 half resolution".
    return name.partition(" ")[0] if name else None


def read_results(path: Path, name: str) -> MethodResults:
    """Reads what `evaluate --json` writes, or an official evaluator, NaN and Infinity included.

    Two layouts are recognised entry by entry: from 2.0 on `{"mean", "detailed"}`, in 2021 one number for
    each pair and metric. The part `true` of this project's files may be absent. It has the scores before
    registration and the label ids, and where the official layout is that of 2021 also the values of each
    label after registration, which then are taken.

    Args:
        path: The file.
        name: Name of the method.

    Raises:
        TaskError: If the file cannot be read, is not JSON, or is not in such a layout.
    """
    parsed = read_document(path, nonfinite=True)
    try:
        document = _Document.model_validate(parsed)
    except ValidationError as error:
        raise TaskError.collect(path, field_faults(error)) from error
    structures = document.true.aggregates.structures
    labelled = {pair: case.after for pair, case in document.true.cases.items() if case.after}
    return MethodResults(
        name=name,
        path=path,
        task=document.name or document.true.name,
        after={pair: _entries(case) for pair, case in (labelled or document.cases).items()},
        before={pair: _entries(case.before) for pair, case in document.true.cases.items()},
        labels={
            _METRICS[name.lower()]: tuple(row.label for row in rows) for name, rows in structures.items()
        },
        unranked=_other_metrics(parsed),
        evaluator=_evaluator(document),
    )
