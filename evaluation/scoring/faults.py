"""Faults of a pair and of a task, collected so that one message lists all of them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from pairs.errors import DisplacementError, KnownError, VolumeError
from pairs.fields.displacement import find_field
from pairs.process.counting import counted, first_few
from pairs.tasks.pair import Pair

__all__ = ["Gathered", "SeveralFaults", "log_failures", "task_error"]

log = logging.getLogger(__name__)

_FAILURES_SHOWN = 10

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class SeveralFaults(VolumeError):
    """A pair with more than one fault.

    Attributes:
        faults: The faults, in the order in which they were found.
    """

    def __init__(self, where: object, faults: Sequence[KnownError]) -> None:
        """Numbers the faults in one sentence."""
        super().__init__(f"{len(faults)} faults", where=where, got=_numbered(faults))
        self.faults = tuple(faults)


class Gathered:
    """Calls functions one after the other and collects their faults."""

    def __init__(self) -> None:
        """Starts without faults."""
        self._faults: list[KnownError] = []

    def attempt(
        self,
        function: Callable[_Arguments, _Result],
        *arguments: _Arguments.args,
        **named: _Arguments.kwargs,
    ) -> _Result | None:
        """Returns what the function returns; None where it raised a fault of a field or volume."""
        try:
            return function(*arguments, **named)
        except (DisplacementError, VolumeError) as error:
            self._faults.append(error)
            return None

    def require_none(self, where: object) -> None:
        """Raises the collected faults.

        Raises:
            KnownError: The fault itself where there is one, `SeveralFaults` where there are more.
        """
        if len(self._faults) == 1:
            raise self._faults[0]
        if self._faults:
            raise SeveralFaults(where, self._faults)


def log_failures(failures: Mapping[str, KnownError], scored: int, place: str) -> None:
    """Logs the first pairs that could not be scored, and how many there are.

    Args:
        failures: What was wrong with each, by the name of the pair.
        scored: How many pairs could be scored.
        place: Where all of them are listed.
    """
    for name, error in list(failures.items())[:_FAILURES_SHOWN]:
        log.error("%s: %s", name, error)
    if failures:
        pairs = counted(len(failures) + scored, "pair")
        log.error("%d of %s could not be scored; %s", len(failures), pairs, place)


def _numbered(faults: Sequence[KnownError]) -> str:
    # Pairs share label maps: the fault of one is listed once.
    texts = list(dict.fromkeys(str(fault) for fault in faults))
    return first_few([f"{number}) {text}" for number, text in enumerate(texts, start=1)], between=" ")


def task_error(faults: Sequence[KnownError], fields: Path, pairs: Sequence[Pair]) -> KnownError:
    """Makes one error of all faults of a task in which no pair can be scored.

    Args:
        faults: One for each pair.
        fields: The folder of displacement fields.
        pairs: The pairs of the task.
    """
    single = [
        one for fault in faults for one in (fault.faults if isinstance(fault, SeveralFaults) else [fault])
    ]
    remedy = _other_fields(fields, pairs)
    if len(single) == 1 and remedy is None:
        return single[0]
    kind = DisplacementError if all(isinstance(one, DisplacementError) for one in single) else VolumeError
    # The faults belong to the sentence itself, since what is `got` is cut where it is long.
    none = f"none of {counted(len(pairs), 'pair')} can be scored: fields of {fields}"
    return kind(f"{none}; got {_numbered(single)}", remedy=remedy)


def _other_fields(fields: Path, pairs: Sequence[Pair]) -> str | None:
    """Returns a question for the user if the folder has fields, but of no pair of the task."""
    names = sorted(path.name for path in fields.glob("disp_*"))
    if not names or any(_has_field(fields, pair) for pair in pairs):
        return None
    return f"the folder holds {counted(len(names), 'field')}, such as {names[0]}; is it that of another task?"


def _has_field(fields: Path, pair: Pair) -> bool:
    try:
        find_field(fields, pair)
    except DisplacementError:
        return False
    return True
