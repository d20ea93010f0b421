"""The option that says which other tool wrote the fields."""

import argparse

from pairs.fields.foreign.readers import FOREIGN_READERS

__all__ = ["add_foreign_option"]


def add_foreign_option(command: argparse.ArgumentParser) -> None:
    """Adds `--from`, whose value is `foreign`; None where the fields are of the challenge."""
    command.add_argument(
        "--from",
        dest="foreign",
        choices=sorted(FOREIGN_READERS),
        help="read fields in the format of another tool",
    )
