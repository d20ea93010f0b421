"""`reproduce NAME`: one table or figure of the paper."""

import argparse

from pipeline.reproduce import complexity, discontinuity

__all__ = ["TABLES", "add_arguments", "run"]

TABLES = {
    "complexity": (complexity, "parameters and multi-adds of every model; needs no data"),
    "fig7": (discontinuity, "the jump of a sliding motion, with and without filters; needs no data"),
}
"""By name: a module with `add_arguments(parser)` and `run(options)`, and what it makes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The names, each with its own arguments."""
    names = parser.add_subparsers(required=True, metavar="NAME")
    for name, (module, summary) in TABLES.items():
        table = names.add_parser(name, help=summary, description=summary)
        module.add_arguments(table)
        table.set_defaults(table=module.run)


def run(options: argparse.Namespace) -> int:
    """Make the table that was named; returns its exit code."""
    code: int = options.table(options)
    return code
