"""The metrics of an evaluation: those of a configuration, or the official ones for the labels of a task."""

import logging
from collections.abc import Iterable

from evaluation.metrics.regions import labels_present
from evaluation.scoring.evaluator import EVALUATORS, Evaluator, configured_methods
from pairs.errors import MissingVolume, UsageError, VolumeError
from pairs.images.volume import read_labels
from pairs.tasks.evaluation_config import EvaluationConfig, Method
from pairs.tasks.task import Task, label_path

__all__ = ["default_methods", "methods_of", "structure_labels"]

log = logging.getLogger(__name__)


def structure_labels(task: Task) -> tuple[int, ...]:
    """Lists the labels to score: those the task names, else those found in the fixed label maps.

    Raises:
        VolumeError: If there are label maps, and none of them can be read.
    """
    named = tuple(sorted(label for label in task.label_names if label > 0))
    if named:
        return named
    found: set[int] = set()
    fault: VolumeError | None = None
    for file in sorted({label_path(pair.fixed) for pair in task.pairs}):
        try:
            found.update(labels_present(read_labels(file).array))
        except MissingVolume:
            continue
        except VolumeError as error:
            # If labels are scored, loading the pair reports this fault with all others.
            fault = fault or error
    if fault is not None and not found:
        raise fault
    return tuple(sorted(found))


def default_methods(task: Task, evaluator: Evaluator = EVALUATORS["2.0"]) -> tuple[Method, ...]:
    """Returns the three official metrics, or only SDlogJ where the task has no labels."""
    names = evaluator.metric_names
    smoothness = Method(name=names["sdlogj"], metric="sdlogj")
    labels = structure_labels(task)
    if not labels:
        log.warning("task %s has no labels; only the regularity of its fields is scored", task.name)
        return (smoothness,)
    return (
        smoothness,
        Method(name=names["dice"], metric="dice", labels=labels),
        Method(name=names["hd95"], metric="hd95", labels=labels),
    )


def methods_of(task: Task, config: EvaluationConfig | None, evaluator: Evaluator) -> tuple[Method, ...]:
    """Returns the methods to score, named as the evaluator names them.

    Raises:
        UsageError: If the configuration has none that can be scored.
    """
    if config is None:
        return default_methods(task, evaluator)
    _warn_of_ndv(config.methods)
    methods = tuple(method for method in config.methods if method.metric != "ndv")
    if not methods:
        raise UsageError("configuration has no metric that can be scored", where=config.task_name)
    return configured_methods(evaluator, methods)


def _warn_of_ndv(methods: Iterable[Method]) -> None:
    for method in methods:
        if method.metric == "ndv":
            log.warning("metric ndv (%s) belongs to LUMIR's own evaluator and is left out", method.name)
