"""`reproduce NAME`: one table or figure of the paper."""

import argparse
from collections.abc import Callable
from typing import NamedTuple

from studies import complexity, discontinuity
from studies.methods import abdomen_rows, brain_rows, dice_picture, joint_rows, two_rows
from studies.prompts import prompt_rows
from studies.segmentors import segmentor_rows
from studies.smoothness import smoothness_picture, smoothness_rows
from studies.structures import pair_pictures, region_picture
from studies.study import Study
from studies.widths import channel_rows, complexity_picture, mlp_picture, mlp_rows

__all__ = ["TABLES", "add_arguments", "run"]


class _Made(NamedTuple):
    """A table or figure: what it is, its arguments, and what makes it."""

    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


_STUDIES = (
    Study("table1", "Table 1, prompts and background vectors", prompt_rows, dice_picture),
    Study("table2", "Table 2, methods, with the paper's figures of OASIS", brain_rows, dice_picture),
    Study(
        "table3",
        "Table 3, backbones without and with filters, with the paper's figures of CT",
        abdomen_rows,
        dice_picture,
    ),
    Study("table4", "Table 4, subjects of other tasks join the training", joint_rows, dice_picture),
    Study("table5", "Table 5, accuracy of the segmentor", segmentor_rows, dice_picture),
    Study("fig3", "Figure 3, Dice of every structure", two_rows, region_picture),
    Study("fig4", "Figure 4, accuracy against the size of the network", channel_rows, complexity_picture),
    Study("fig5", "Figure 5, accuracy against the width of the MLP", mlp_rows, mlp_picture),
    Study("fig6", "Figure 6, a registered pair", two_rows, pair_pictures),
    Study("fig8", "Figure 8, SDlogJ against folds", smoothness_rows, smoothness_picture),
)
TABLES = {
    **{study.name: _Made(study.title, study.add_arguments, study.run) for study in _STUDIES},
    "complexity": _Made(
        "parameters and multi-adds of every model; needs no data", complexity.add_arguments, complexity.run
    ),
    "fig7": _Made(
        "the jump of a sliding motion, without filters and with them; needs no data",
        discontinuity.add_arguments,
        discontinuity.run,
    ),
}
"""By name: what it makes, its arguments, and the function that makes it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The names, each with its own arguments."""
    names = parser.add_subparsers(required=True, metavar="NAME")
    for name, made in TABLES.items():
        table = names.add_parser(name, help=made.summary, description=made.summary)
        made.add_arguments(table)
        table.set_defaults(table=made.run)


def run(options: argparse.Namespace) -> int:
    """Make the table that was named; returns its exit code."""
    code: int = options.table(options)
    return code
