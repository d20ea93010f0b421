"""Segmentors that are trained for the tables, each once, in a file named by all that it depends on."""

import logging
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from pairs.files.wholefile import write_json
from pairs.tasks.task import Task
from pipeline.config import TaskConfig
from pipeline.programversion import program_version
from pipeline.train.datahash import data_hash, subjects_seen
from studies.budget import Budget, seconds_per_step
from studies.process import of_all_the_data, run_module

__all__ = ["SEGMENTORS_SHARE", "own_segmentor"]

log = logging.getLogger(__name__)

SEGMENTORS_SHARE = 0.2
"""Of a budget in minutes, where the segmentor has to be trained too."""


def own_segmentor(
    task: Task,
    config: TaskConfig,
    task_arguments: Sequence[str | Path],
    device: str,
    folder: Path,
    budget: Budget | None = None,
) -> Path:
    """The bundle of a segmentor, trained where there is none of these data, settings and program.

    Args:
        task: With labelled training subjects.
        config: Of the task.
        task_arguments: By which `train` finds the task.
        device: As for `train`.
        folder: Where the bundle lies.
        budget: Of the whole table; None takes the steps of the configuration.

    Raises:
        NoFigure: The training failed.
    """
    data = data_hash(subjects_seen(task, config.split))
    depends = (data, config.model_dump_json(), str(budget), program_version())
    name = f"segmentor-{sha256(' '.join(depends).encode()).hexdigest()[:8]}"
    out = folder / f"{name}.safetensors"
    if out.is_file():
        return out
    log.info("training a segmentor, as none is given")
    arguments = (*task_arguments, "--device", device)
    steps = config.segmentor_training.steps
    if budget is not None and budget.unit == "steps":
        steps = budget.amount
    elif budget is not None:
        pace = seconds_per_step("segmentor", config, arguments, folder / "runs")
        steps = budget.steps(SEGMENTORS_SHARE, pace)
    config_file = folder / f"{name}.config.json"
    write_json(config_file, config.model_dump(mode="json"))
    own = ("--config", config_file, "--steps", str(steps), "--out", out)
    with of_all_the_data(out):
        run_module("textscf", "train", "segmentor", *arguments, *own, log=folder / f"{name}.log")
    return out
