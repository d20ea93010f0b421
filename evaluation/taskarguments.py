"""The arguments that name a task: its folder, its pairs and its evaluation configuration."""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from pairs.tasks.evaluation_config import EvaluationConfig, read_evaluation_config
from pairs.tasks.task import Task, read_task
from pairs.tasks.taskoptions import add_link_option, add_pairs_option

__all__ = ["add_task_arguments", "read_task_arguments"]

log = logging.getLogger(__name__)


def add_task_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments that name a task; `--pairs` is the same as that of `predict`."""
    command.add_argument("--task", type=Path, required=True, help="task folder, or its dataset JSON")
    add_pairs_option(command)
    command.add_argument(
        "--config",
        type=Path,
        help="official evaluation configuration: metrics, labels, shape, and pairs if --pairs is not given",
    )
    add_link_option(command)


def read_task_arguments(arguments: argparse.Namespace) -> tuple[Task, EvaluationConfig | None]:
    """Reads the task and the configuration, and logs their warnings.

    Raises:
        KnownError: If one of them cannot be used.
    """
    pairs_file = arguments.pairs or arguments.config
    task = read_task(arguments.task, pairs_file=pairs_file, follow_links=arguments.follow_links)
    config = None if arguments.config is None else read_evaluation_config(arguments.config)
    if arguments.pairs is None:
        # The configuration comes from the host, so its pairs are all that the host needs.
        task = replace(task, left_out=())
    for warning in (*task.warnings, *(config.warnings if config is not None else ())):
        log.warning("%s", warning)
    return task, config
