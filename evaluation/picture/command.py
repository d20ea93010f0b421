"""The verb `picture`: one pair before and after registration, as a picture."""

import argparse
from pathlib import Path

from evaluation.picture.draw import draw_pair
from pairs.files.outputs import require_outputs
from pairs.tasks.task import read_task
from pairs.tasks.taskoptions import add_link_option, add_pairs_option

__all__ = ["add_arguments", "run"]


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `picture`."""
    command.add_argument("--task", type=Path, required=True, help="task folder, or its dataset JSON")
    add_pairs_option(command)
    command.add_argument("--fields", type=Path, required=True, help="folder of displacement fields")
    command.add_argument("--out", type=Path, required=True, help="file to write: .png, .pdf or .svg")
    command.add_argument(
        "--pair", type=int, default=1, metavar="N", help="number of the pair, from 1 (default: 1)"
    )
    add_link_option(command)


def run(arguments: argparse.Namespace) -> int:
    """Draws the pair; returns 0."""
    inputs = (arguments.fields, arguments.pairs)
    require_outputs((arguments.out,), tasks=(arguments.task,), inputs=inputs)
    task = read_task(arguments.task, pairs_file=arguments.pairs, follow_links=arguments.follow_links)
    draw_pair(task, arguments.fields, arguments.out, pair_number=arguments.pair)
    return 0
