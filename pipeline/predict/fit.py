"""Whether weights, task and output folder belong together, checked before any work."""

import re
from collections.abc import Mapping
from pathlib import Path

from pairs.errors import UsageError, WeightsError
from pairs.process.counting import first_few
from pairs.tasks.known import known_task
from pairs.tasks.task import Task
from pipeline.predict.report import RunReport
from pipeline.weights.bundle import BundleHeader

__all__ = ["require_fit", "require_own_folder", "weights_warnings"]


def require_fit(header: BundleHeader, task: Task, weights: Path) -> None:
    """Refuse weights for other labels or another modality by name; what the task does not say is not asked.

    Raises:
        WeightsError: they differ.
    """
    trained = header.label_names
    same_task = task.name == header.task
    if (
        task.label_names
        and not _serves(header, task)
        and not _are_same_labels(dict(task.label_names), trained, same_task)
    ):
        raise WeightsError(
            "the weights are for other labels",
            where=weights,
            expected=f"{_listed(dict(task.label_names))} of {task.name}",
            got=f"{_listed(trained)} of {header.task}",
            remedy="give --weights FILE trained on this task",
        )
    if _first_word(task.modality) and _first_word(header.modality) not in ("", _first_word(task.modality)):
        raise WeightsError(
            "the weights are for another modality",
            where=weights,
            expected=f"{task.modality} of {task.name}",
            got=f"{header.modality} of {header.task}",
            remedy="give --weights FILE trained on this modality",
        )


def require_own_folder(reports: Mapping[str, RunReport], task: Task, output: Path) -> None:
    """Refuse a folder with the fields of another task: subject numbers and thus file names coincide.

    Args:
        reports: those of the folder, by the names of their files.
        task: what is to be registered.
        output: the folder.

    Raises:
        UsageError: it is one.
    """
    for name, report in reports.items():
        if report.task != task.name:
            raise UsageError(
                "the output folder belongs to another task",
                where=output / name,
                expected=task.name,
                got=report.task,
                remedy="give another folder",
            )


def weights_warnings(header: BundleHeader, task: Task) -> tuple[str, ...]:
    """What is odd about the weights and may be meant."""
    if task.name == header.task or _serves(header, task):
        return ()
    return (f"the weights were trained on {header.task}, the task is {task.name}",)


def _serves(header: BundleHeader, task: Task) -> bool:
    """Whether the weights are known to register the task, whatever labels it is scored by."""
    known = known_task(task.name)
    return known is not None and known.weights == header.task


def _are_same_labels(stated: dict[int, str], trained: dict[int, str], same_task: bool) -> bool:
    """Within one task the ids decide: releases write its names in different words."""
    if same_task or set(stated) != set(trained):
        return set(stated) == set(trained)
    return all(_words(stated[label]) == _words(trained[label]) for label in stated)


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", name.casefold()) if word]


def _first_word(modality: str) -> str:
    """`MR` of "MR T1w"; empty where none is stated."""
    return next(iter(_words(modality)), "")


def _listed(labels: dict[int, str]) -> str:
    return f"labels {first_few([f'{label} {name}' for label, name in sorted(labels.items())])}"
