"""Numbers of the tasks in the zips of 2020 and 2021."""

from pairs.errors import UsageError
from pairs.fields.profile import PROFILES, Profile
from pairs.tasks.known import known_task, known_tasks

__all__ = ["numbered_profile", "task_folder", "task_number"]

_HIGHEST = 99
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
    task = known_task(name)
    if task is None or task.zip_number is None:
        known = ", ".join(f"{one.name} {one.zip_number}" for one in known_tasks() if one.zip_number)
        remedy = "give --task-number N, or another --profile for a flat zip"
        raise UsageError("task has no official number", where=name, expected=known, remedy=remedy)
    return task.zip_number


def task_folder(number: int) -> str:
    """Returns the folder of a task in the zip, such as `task_03`."""
    return f"task_{number:02d}"


def numbered_profile(name: str) -> Profile:
    """Returns what the old zips hold of a task: fields of the edition with the old names, else half ones."""
    task = known_task(name)
    old = [edition.profile for edition in task.editions if edition.old_names] if task else []
    return PROFILES[old[0] if old else _HALF]
