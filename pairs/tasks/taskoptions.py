"""The options of every command that reads a task."""

import argparse
from pathlib import Path

__all__ = ["add_link_option", "add_pairs_option"]


def add_pairs_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--pairs`: a pair list in any dialect, whose paths are relative to the task folder."""
    parser.add_argument(
        "--pairs",
        type=Path,
        metavar="LIST",
        help="pair list to use in place of the task's own: a CSV with the columns fixed,moving, or a dataset "
        "JSON, evaluation configuration or JSON list of {fixed, moving}",
    )


def add_link_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--follow-links`."""
    parser.add_argument(
        "--follow-links",
        action="store_true",
        help="also read images that a symlink brings into the task folder, as in datalad checkouts",
    )
