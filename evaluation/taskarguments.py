"""The arguments that name a task: its folder, its pairs and its evaluation configuration."""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from pairs.tasks.evaluation_config import EvaluationConfig, read_evaluation_config
from pairs.tasks.task import Task, read_task
from pairs.tasks.taskoptions import add_link_option, add_pairs_option

__all__ = ["add_task_arguments", "read_scored_task", "read_task_arguments"]

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
    """Reads what `add_task_arguments` names; see `read_scored_task`."""
    return read_scored_task(
        arguments.task, pairs=arguments.pairs, config=arguments.config, follow_links=arguments.follow_links
    )


def read_scored_task(
    task: str | Path,
    *,
    pairs: str | Path | None = None,
    config: str | Path | None = None,
    follow_links: bool = False,
) -> tuple[Task, EvaluationConfig | None]:
    """Reads a task and the configuration of its evaluation, and logs their warnings.

    Args:
        task: The task folder, or its dataset JSON.
        pairs: A pair list in place of the task's own.
        config: An official evaluation configuration; its pairs count where no pair list is given.
        follow_links: Whether images behind symlinks are read.

    Raises:
        KnownError: If one of them cannot be used.
    """
    listed = pairs or config
    read = read_task(
        Path(task), pairs_file=None if listed is None else Path(listed), follow_links=follow_links
    )
    settings = None if config is None else read_evaluation_config(Path(config))
    if pairs is None:
        # The configuration comes from the host, so its pairs are all that the host needs.
        read = replace(read, left_out=())
    for warning in (*read.warnings, *(settings.warnings if settings is not None else ())):
        log.warning("%s", warning)
    return read, settings
