"""The known errors, each one sentence that says what, where, expected, got and remedy."""

import sys
from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

from pairs.process.counting import counted, first_few
from pairs.process.logline import LONGEST_LINE, bounded

__all__ = [
    "BadLabels",
    "BadPoints",
    "CorruptVolume",
    "DisplacementError",
    "GridMismatch",
    "KnownError",
    "MissingVolume",
    "NonFinite",
    "NonFiniteDisplacement",
    "NothingToDo",
    "OutputError",
    "Stopped",
    "TaskError",
    "TooLittleMemory",
    "UsageError",
    "VolumeError",
    "WeightsError",
    "report_and_exit_code",
    "require_choice",
]


class KnownError(Exception):
    """A fault with a known cause, reported to the user in one line and without a traceback.

    Attributes:
        exit_code: What the process exits with when this error ends a run.
        code: Short word for `report.json`.
        got: What was found, as the sentence says it; None where it does not say.
        remedy: What the user can do about it; None where the sentence does not say.
    """

    exit_code: ClassVar[int] = 2
    code: ClassVar[str] = "error"

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        expected: object = None,
        got: object = None,
        remedy: str | None = None,
    ) -> None:
        """Composes the sentence "what: where; expected X, got Y; remedy" from the parts that are given.

        Args:
            what: What is wrong.
            where: The file, field or option in which it is wrong.
            expected: What would have been right.
            got: What was found instead.
            remedy: What the user can do about it.
        """
        self.got = None if got is None else bounded(got)
        self.remedy = remedy
        head = what if where is None else f"{what}: {bounded(where)}"
        facts = [
            f"{word} {bounded(fact)}"
            for word, fact in (("expected", expected), ("got", got))
            if fact is not None
        ]
        parts = [head, ", ".join(facts), remedy or ""]
        super().__init__(bounded("; ".join(part for part in parts if part), LONGEST_LINE))


class UsageError(KnownError):
    """Bad arguments or a bad configuration."""

    code = "usage"


class TaskError(KnownError):
    """A task description with one or more faults."""

    code = "task"
    _collected: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        """One line for each fault."""
        return self._collected or (str(self),)

    @classmethod
    def collect(cls, where: object, faults: Sequence[str]) -> Self:
        """Makes one error of all faults of a task, so that the user can repair them in one go.

        The sentence has the first ten of them; `faults` has all.

        Args:
            where: The task file or folder.
            faults: One sentence for each fault, at least one.

        Raises:
            ValueError: If there are no faults.
        """
        if not faults:
            raise ValueError("TaskError.collect needs at least one fault")
        lines = tuple(bounded(fault) for fault in faults)
        numbered = first_few([f"{number}) {line}" for number, line in enumerate(lines, start=1)], between=" ")
        error = cls(f"{counted(len(lines), 'fault')} in {where}: {numbered}")
        error._collected = lines
        return error


class NothingToDo(KnownError):
    """A valid task without any pair to work on."""

    exit_code = 3
    code = "nothing"


class VolumeError(KnownError):
    """An image or label map that cannot be used."""

    exit_code = 1
    code = "volume"


class MissingVolume(VolumeError):
    """A volume that does not exist or is not a file."""

    code = "missing"


class CorruptVolume(VolumeError):
    """A volume that is not a NIfTI file or is damaged."""

    code = "corrupt"


class GridMismatch(VolumeError):
    """Two volumes that should share a voxel grid and do not."""

    code = "grid"


class NonFinite(VolumeError):
    """An image with too many NaN or infinite voxels."""

    code = "nonfinite"


class BadLabels(VolumeError):
    """A label map whose values are not integers, or label probabilities that do not sum to one."""

    code = "labels"


class BadPoints(KnownError):
    """A file of points that cannot be used."""

    exit_code = 1
    code = "points"


class DisplacementError(KnownError):
    """A displacement field that is missing or cannot be read or written."""

    exit_code = 1
    code = "displacement"


class NonFiniteDisplacement(DisplacementError):
    """A displacement field with NaN or infinite components."""

    code = "nonfinite"


class WeightsError(KnownError):
    """Weights or text vectors that are missing, altered or made for another task."""

    exit_code = 4
    code = "weights"


class OutputError(KnownError):
    """Output that cannot be written."""

    exit_code = 5
    code = "output"


class Stopped(KnownError):
    """A run ended by a signal; it can be resumed."""

    exit_code = 75
    code = "stopped"


class TooLittleMemory(KnownError):
    """Memory that the machine, its GPU or a limit does not give."""

    exit_code = 1
    code = "memory"


def report_and_exit_code(error: KnownError) -> int:
    """Prints "error: <sentence>" on stderr and returns the exit code of the error."""
    print(f"error: {error}", file=sys.stderr)
    return error.exit_code


def require_choice(what: str, given: str, choices: Iterable[str]) -> None:
    """Refuses a word that is none of those that there are.

    Args:
        what: What it names, such as "profile".
        given: The word.
        choices: All that there are.

    Raises:
        UsageError: If it is none of them.
    """
    known = tuple(choices)
    if given not in known:
        raise UsageError(f"no such {what}", expected=", ".join(known), got=given)
