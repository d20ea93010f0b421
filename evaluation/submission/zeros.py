"""Zero fields for the tasks of 2020 and 2021 that are not entered."""

import tempfile
from pathlib import Path

import numpy as np

from evaluation.scoring.groundtruth import read_grid
from evaluation.submission.pack import Member
from evaluation.submission.tasknumber import numbered_profile, task_folder, task_number
from pairs.errors import VolumeError
from pairs.fields.displacement import field_name
from pairs.fields.encoding import require_storable
from pairs.fields.fieldfile import write_array
from pairs.fields.profile import Profile, Shape3
from pairs.tasks.pair import Pair
from pairs.tasks.task import Task, read_task

__all__ = ["zero_members"]


def zero_members(folder: Path, *, follow_links: bool = False) -> list[Member]:
    """Returns a zero field for every pair of a task, in the folder of the task's number.

    Args:
        folder: Task folder, or its dataset JSON or pair list.
        follow_links: Whether symlinks may lead out of it.

    Raises:
        KnownError: If the task cannot be read, has no official number, or its images have no known shape.
    """
    task = read_task(folder, follow_links=follow_links)
    profile = numbered_profile(task.name)
    place = task_folder(task_number(task.name))
    contents: dict[Shape3, bytes] = {}
    members: list[Member] = []
    for pair in task.pairs:
        shape = _shape(task, pair)
        if shape not in contents:
            contents[shape] = _zero_file(shape, profile)
        members.append(Member(f"{place}/{field_name(pair, profile)}", contents[shape]))
    return members


def _shape(task: Task, pair: Pair) -> Shape3:
    try:
        return read_grid(pair.fixed).shape
    except VolumeError:
        if task.shape is None:
            raise
        return task.shape


def _zero_file(shape: Shape3, profile: Profile) -> bytes:
    require_storable(shape, profile)
    grid = profile.stored_grid(shape) or shape
    array = np.zeros((3, *grid) if profile.channel_first else (*grid, 3), dtype=profile.dtype)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"zero{profile.suffix}"
        write_array(path, array)
        return path.read_bytes()
