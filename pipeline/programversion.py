"""The version of the program that makes the numbers: a hash of its sources, which nobody can forget."""

from functools import cache
from pathlib import Path

from pairs.process.sources import version_of

__all__ = ["PACKAGES", "program_version"]

PACKAGES = ("pairs", "pipeline")
"""What lies between files and fields."""


@cache
def program_version() -> str:
    """The version of the sources that this process runs, 16 hexadecimal digits.

    The same sources give the same version on any machine and in the image. A change of any source counts,
    also one that changes no number: fields are then made again rather than kept wrongly.
    """
    return version_of(Path(__file__).resolve().parents[1], PACKAGES)
