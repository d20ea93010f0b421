"""`demo-task FOLDER`: a small task folder, drawn from the shipped population template."""

import argparse
import logging
from pathlib import Path

from pairs.errors import UsageError
from pairs.process.counting import counted
from studies.demo.taskfolder import DEFAULT_TEMPLATE, write_task
from studies.demo.template import read_template

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)

MAX_SUBJECTS = 999


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `demo-task`."""
    parser.add_argument("folder", type=Path, help="task folder to write")
    parser.add_argument("--subjects", type=int, default=6, help="how many to draw (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=0, help="another seed draws others (default: %(default)s)"
    )
    parser.add_argument("--template", type=Path, default=DEFAULT_TEMPLATE, help="default: the shipped one")


def run(options: argparse.Namespace) -> int:
    """Write the task; returns 0.

    Raises:
        UsageError: a number is out of range, or the folder holds another task.
        WeightsError: the template is missing or altered.
    """
    if not 2 <= options.subjects <= MAX_SUBJECTS:
        raise UsageError("argument --subjects", expected=f"2 to {MAX_SUBJECTS}", got=options.subjects)
    if options.seed < 0:
        raise UsageError("argument --seed", expected="0 or more", got=options.seed)
    template = read_template(options.template)
    document = write_task(options.folder, template, options.subjects, options.seed)
    drawn = counted(options.subjects, "subject")
    log.info("%s: %s drawn from a population template, none of them a scan", document, drawn)
    return 0
