"""`report --task DATA --fields OUT --out FILE` from the command line."""

import argparse
import logging
from pathlib import Path

from evaluation.htmlreport.taskreport import PICTURES, report
from evaluation.scoring.faults import log_failures
from evaluation.taskarguments import add_task_arguments
from pairs.errors import Stopped
from pairs.fields.foreign.options import add_foreign_option
from pairs.process.counting import counted

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `report`."""
    add_task_arguments(command)
    command.add_argument("--fields", type=Path, required=True, help="folder of displacement fields")
    command.add_argument("--out", type=Path, required=True, help="page to write: .html")
    add_foreign_option(command)
    command.add_argument(
        "--segmentations",
        type=Path,
        metavar="DIR",
        help="label maps named as the images, for a task without labels; shown as regions, no ground truth",
    )
    command.add_argument(
        "--pictures",
        type=_count,
        default=PICTURES,
        metavar="N",
        help=f"pairs with pictures, the hardest ones; the others have numbers alone (default: {PICTURES})",
    )


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Writes the page; returns 0, or 1 where pairs could not be scored.

    Raises:
        KnownError: As the parts say.
    """
    try:
        evaluation = report(
            arguments.task,
            arguments.fields,
            arguments.out,
            pairs=arguments.pairs,
            config=arguments.config,
            tool=arguments.foreign,
            segmentations=arguments.segmentations,
            pictures=arguments.pictures,
            follow_links=arguments.follow_links,
        )
    except KeyboardInterrupt as error:
        raise Stopped("report stopped; nothing is written") from error
    log.info("%s: %s", arguments.out, counted(len(evaluation.scores), "pair"))
    log_failures(evaluation.failures, len(evaluation.scores), f"all are listed in {arguments.out}")
    return 1 if evaluation.failures else 0
