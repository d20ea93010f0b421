"""What every method of registration offers to be measured by."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pairs.errors import UsageError
from pairs.fields.foreign.readers import FOREIGN_READERS
from pairs.images.header import read_header
from pairs.tasks.pair import Pair
from pairs.tasks.task import Task

__all__ = ["Displacement", "Method", "NotAtHand", "Register", "installed", "written_by"]

Displacement: TypeAlias = NDArray[np.float32]
"""u, (X, Y, Z, 3) in voxels of the fixed grid."""

Register: TypeAlias = Callable[[Pair, Path], Callable[[], Displacement]]
"""Registers a pair, from the image files to the tool's own result, with a folder for files on the way.

What it returns gives that result as a displacement: converting it is not the tool's work, and not timed.
"""


class NotAtHand(UsageError):
    """A method cannot be used here or for this task."""


@dataclass(frozen=True)
class Method:
    """One method of registration.

    Attributes:
        name: As it is asked for.
        is_rival: Whether it is the work of others.
        made_by: Says which version with which settings registers a task; a pair is done again where it
            changes. Raises NotAtHand where the method cannot be used.
        prepare: Loads what is loaded once for all pairs of a task: libraries, weights.
    """

    name: str
    is_rival: bool
    made_by: Callable[[Task], str]
    prepare: Callable[[Task], Register]


def installed(distribution: str, settings: str) -> Callable[[Task], str]:
    """Says the version of an installed package, with the settings that are used with it.

    Args:
        distribution: As pip names it.
        settings: All that is not left at its default.
    """

    def made_by(_task: Task) -> str:
        try:
            return f"{distribution} {version(distribution)}, {settings}"
        except PackageNotFoundError as error:
            remedy = "pip install --no-deps -r requirements-rivals.txt"
            raise NotAtHand("package is not installed", where=distribution, remedy=remedy) from error

    return made_by


def written_by(tool: str, folder: Path, pair: Pair) -> Displacement:
    """Reads the files that a tool has written for a pair; `tool` is the word of `evaluate --from`."""
    fixed, moving = read_header(pair.fixed), read_header(pair.moving)
    return FOREIGN_READERS[tool](folder, pair, fixed, moving).displacement
