"""Training subjects whose files cannot be used: each is reported, and the others are trained on."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from pairs.errors import VolumeError
from pairs.process.counting import counted, first_few
from pairs.tasks.task import Subject

__all__ = ["LeftOut"]

log = logging.getLogger(__name__)

_LEAST = 2
_Result = TypeVar("_Result")


class LeftOut:
    """The subjects that are left out of a training, and why.

    Attributes:
        faults: One sentence for each of them.
    """

    def __init__(self) -> None:
        self.faults: dict[Subject, str] = {}

    def __str__(self) -> str:
        """How many they are, and the first of them."""
        names = sorted({str(one.id) for one in self.faults})
        return f"{counted(len(names), 'subject')} left out of the training: {first_few(names)}"

    def attempt(self, subject: Subject, read: Callable[[Subject], _Result]) -> _Result | None:
        """What `read` returns; None where a file of the subject is missing, damaged or on another grid."""
        try:
            return read(subject)
        except VolumeError as error:
            log.warning("subject %s is left out: %s", subject.id, error)
            self.faults[subject] = str(error)
            return None

    def without(self, subjects: Sequence[Subject]) -> tuple[Subject, ...]:
        """The subjects that are not left out."""
        return tuple(one for one in subjects if one not in self.faults)

    def require_enough(self, training: Sequence[Subject]) -> None:
        """Refuse to train on what is left where that is no pair.

        Raises:
            VolumeError: fewer than two of the training subjects are left.
        """
        left = self.without(training)
        if not self.faults or len(left) >= _LEAST:
            return
        faults = list(dict.fromkeys(self.faults.values()))
        raise VolumeError(
            "too few training subjects can be used",
            expected=f"at least {_LEAST}",
            got=f"{len(left)}: {first_few(faults, between=' | ')}",
        )
