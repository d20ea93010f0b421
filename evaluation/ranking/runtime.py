"""Seconds per pair of each method, as given on the command line."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from evaluation.ranking.agreement import short_name
from pairs.errors import TaskError, UsageError
from pairs.files.document import field_faults, read_document

__all__ = ["read_runtimes"]

_FORM = "NAME=SECONDS or NAME=REPORT.json"


# The other keys of the report of `predict` are ignored.
class _Pair(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    pair: str
    status: str
    seconds: float


class _Report(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    pairs: list[_Pair]


def _of_report(path: Path, pairs: Sequence[str]) -> Mapping[str, float]:
    """Returns the seconds of the pairs that have a field; the others are filled in later."""
    try:
        report = _Report.model_validate(read_document(path))
    except ValidationError as error:
        raise TaskError.collect(path, field_faults(error)) from error
    seconds = {entry.pair: entry.seconds for entry in report.pairs if entry.status != "failed"}
    seconds |= {short_name(pair): seconds for pair, seconds in seconds.items()}
    found = {pair: seconds[pair] for pair in pairs if pair in seconds}
    if not found:
        raise UsageError("the report has other pairs", where=path, expected=f"pairs such as {pairs[0]}")
    return found


def _of_number(text: str, pairs: Sequence[str]) -> Mapping[str, float] | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    if not (math.isfinite(seconds) and seconds >= 0):
        raise UsageError("runtime is not a number of seconds", expected="0 or more", got=text)
    return dict.fromkeys(pairs, seconds)


def read_runtimes(
    settings: Sequence[str], names: Sequence[str], pairs: Sequence[str]
) -> Mapping[str, Mapping[str, float]]:
    """Returns by method and pair the seconds that registration took.

    Args:
        settings: Each `NAME=SECONDS`, one time for all pairs, or `NAME=REPORT.json`, the report that
            `predict` writes beside the fields.
        names: The methods there are.
        pairs: The pairs there are.

    Raises:
        UsageError: If a setting has another form, names no method, or names one twice.
        TaskError: If a report cannot be read.
    """
    runtimes: dict[str, Mapping[str, float]] = {}
    for setting in settings:
        # A name may hold "=" itself, as in "lr=0.1", while seconds cannot and a file seldom does.
        name, separator, source = setting.rpartition("=")
        if not separator or not source:
            raise UsageError("--runtime cannot be read", expected=_FORM, got=setting)
        if name not in names:
            raise UsageError("--runtime names an unknown method", expected=" or ".join(names), got=name)
        if name in runtimes:
            raise UsageError("--runtime is given twice for a method", where=name)
        of_number = _of_number(source, pairs)
        runtimes[name] = _of_report(Path(source), pairs) if of_number is None else of_number
    return runtimes
