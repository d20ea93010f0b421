"""Evaluation of all displacement fields of a task."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from evaluation.metrics.regions import labels_present
from evaluation.scoring.case import Case, load_case
from evaluation.scoring.score import PairScore, score_pair
from pairs.errors import DisplacementError, KnownError, UsageError, VolumeError
from pairs.evaluation_config import EvaluationConfig, Method
from pairs.task import Pair, Task, label_path
from pairs.volume import read_labels

__all__ = ["Evaluation", "default_methods", "evaluate_task", "structure_labels"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluation:
    """The scores of a task.

    Attributes:
        name: Name of the task.
        methods: The metrics that were computed.
        label_names: Names of the structures; a label may lack one.
        scores: One entry for each pair, in the order of the task.
    """

    name: str
    methods: tuple[Method, ...]
    label_names: Mapping[int, str]
    scores: tuple[PairScore, ...]


def structure_labels(task: Task) -> tuple[int, ...]:
    """Lists the labels to score: those the task names, else those found in the fixed label maps."""
    named = tuple(sorted(label for label in task.label_names if label > 0))
    if named:
        return named
    files = {label_path(pair.fixed) for pair in task.pairs}
    maps = (read_labels(file).array for file in files if file.is_file())
    return tuple(sorted({label for label_map in maps for label in labels_present(label_map)}))


def default_methods(task: Task) -> tuple[Method, ...]:
    """Returns the three official metrics, or only SDlogJ where the task has no labels."""
    smoothness = Method(name="LogJacDetStd", metric="sdlogj")
    labels = structure_labels(task)
    if not labels:
        _logger.warning("%s has no labels; only the regularity of its fields is scored", task.name)
        return (smoothness,)
    return (
        smoothness,
        Method(name="DSC", metric="dice", labels=labels),
        Method(name="HD95", metric="hd95", labels=labels),
    )


def _configured_methods(config: EvaluationConfig) -> tuple[Method, ...]:
    for method in config.methods:
        if method.metric == "ndv":
            _logger.warning("metric ndv (%s) belongs to LUMIR's own evaluator and is left out", method.name)
    methods = tuple(method for method in config.methods if method.metric != "ndv")
    if not methods:
        raise UsageError("configuration has no metric that can be scored", where=config.task_name)
    return methods


def evaluate_task(task: Task, fields: Path, config: EvaluationConfig | None = None) -> Evaluation:
    """Scores the fields of all pairs of a task, one by one.

    Args:
        task: The task; its pairs are those of `config` where one is given.
        fields: Folder of displacement fields.
        config: The official evaluation configuration; without it the three official metrics are computed.

    Raises:
        DisplacementError: If fields are missing or cannot be read; all of them are named.
        VolumeError: If ground truth is missing, damaged or on another grid; all of it is named.
    """
    methods = default_methods(task) if config is None else _configured_methods(config)
    scores: list[PairScore] = []
    faults: list[KnownError] = []
    for pair in tqdm(task.pairs, desc="scoring", unit="pair", disable=None):
        try:
            case = _load(pair, fields, methods, config)
        except (DisplacementError, VolumeError) as error:
            faults.append(error)
            continue
        # After a fault the rest is only read, to find all faults, because no score will be told.
        if not faults:
            scores.append(score_pair(case, methods))
    if faults:
        raise _one_error(faults, fields, len(task.pairs))
    name = task.name if config is None else config.task_name
    return Evaluation(name, methods, task.label_names, tuple(scores))


def _load(pair: Pair, fields: Path, methods: Sequence[Method], config: EvaluationConfig | None) -> Case:
    if config is None:
        return load_case(pair, fields, methods)
    return load_case(pair, fields, methods, masked=config.masked, expected_shape=config.expected_shape)


def _one_error(faults: Sequence[KnownError], fields: Path, pairs: int) -> KnownError:
    if len(faults) == 1:
        return faults[0]
    only_fields = all(isinstance(fault, DisplacementError) for fault in faults)
    numbered = " ".join(f"{number}) {fault}" for number, fault in enumerate(faults, start=1))
    kind = DisplacementError if only_fields else VolumeError
    return kind(f"{len(faults)} of {pairs} pairs cannot be scored", where=f"fields of {fields}", got=numbered)
