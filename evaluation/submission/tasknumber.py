"""Numbers of the tasks in the zips of 2020 and 2021."""

from collections.abc import Mapping
from types import MappingProxyType

from pairs.errors import UsageError
from pairs.fields.profile import PROFILES, Profile

__all__ = ["numbered_profile", "task_folder", "task_number"]

# By the first letters of the task's name; no task had two numbers.
_NUMBERS: Mapping[str, int] = MappingProxyType(
    {"curious": 1, "abdomenmrct": 1, "lungct": 2, "abdomenctct": 3, "oasis": 3, "hippocampus": 4}
)
_HIGHEST = 99
_FULL = "l2r2020-full"
_HALF = "l2r2021"


def task_number(name: str, asked: int | None = None) -> int:
    """Returns the number of a task.

    Args:
        name: Name of the task.
        asked: A number given by the user, which goes before.

    Raises:
        UsageError: If the task has no official number and none is given, or the number is impossible.
    """
    if asked is not None:
        if not 1 <= asked <= _HIGHEST:
            raise UsageError("impossible task number", expected=f"1 to {_HIGHEST}", got=asked)
        return asked
    number = next((number for start, number in _NUMBERS.items() if name.lower().startswith(start)), None)
    if number is None:
        known = ", ".join(f"{start} {number}" for start, number in _NUMBERS.items())
        remedy = "give --task-number N, or another --profile for a flat zip"
        raise UsageError("task has no official number", where=name, expected=known, remedy=remedy)
    return number


def task_folder(number: int) -> str:
    """Returns the folder of a task in the zip, such as `task_03`."""
    return f"task_{number:02d}"


def numbered_profile(name: str) -> Profile:
    """Returns what the old zips hold for a task: full fields for the hippocampus, else half ones."""
    return PROFILES[_FULL if name.lower().startswith("hippocampus") else _HALF]
