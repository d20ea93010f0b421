"""The survey of a folder of fields: which profile they are in, and which file is the field of which pair.

`evaluate`, `check` and `submit` all choose here, so that what is scored is what is checked and sent.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evaluation.submission.assignment import Assignment, assign
from evaluation.submission.fields import Opened, task_grids
from evaluation.submission.findings import Finding
from evaluation.submission.folder import Entry, list_entries
from evaluation.submission.names import match_pair, parse_field_name
from evaluation.submission.nearestprofile import Witness, nearest_profile
from evaluation.submission.stored import Stored, inspect
from pairs.errors import DisplacementError
from pairs.fields.displacement import present_fields
from pairs.fields.profile import Profile, Shape3
from pairs.tasks.task import Task

__all__ = ["Survey", "preferred_fields", "survey_fields"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Survey:
    """What the names and heads of the files say.

    Attributes:
        profile: What the fields are held against.
        grids: (X, Y, Z) of the fixed image of each pair, by pair name, where it is known.
        stored: What the files hold, by their names in the folder.
        assignment: The file of each pair.
        witnesses: The fields as evidence of the profile that was meant.
        findings: What is wrong with the images.
    """

    profile: Profile
    grids: Mapping[str, Shape3]
    stored: Opened
    assignment: Assignment
    witnesses: tuple[Witness, ...]
    findings: tuple[Finding, ...]


def survey_fields(
    task: Task,
    folder: Path,
    *,
    profile: Profile | None = None,
    short_names: bool = False,
    expected_shape: Shape3 | None = None,
) -> Survey:
    """Reads the names and heads of the files in a folder; arguments and errors as for `check_fields`."""
    entries = list_entries(folder)
    grids, findings = task_grids(task, expected_shape)
    stored: dict[str, Stored | DisplacementError] = {}
    witnesses: list[Witness] = []
    for entry in entries:
        name = parse_field_name(entry.name)
        if name is None:
            continue
        held = stored[entry.name] = _try_inspect(entry)
        match = match_pair(name, task.pairs)
        if match is not None:
            readable = held if isinstance(held, Stored) else None
            witnesses.append(Witness(name, readable, grids.get(match.pair.name)))
    chosen = profile or nearest_profile(witnesses, task.name)
    assignment = assign(entries, task.pairs, chosen, short_names=short_names, left_out=task.left_out)
    return Survey(chosen, grids, stored, assignment, tuple(witnesses), tuple(findings))


def preferred_fields(task: Task, folder: Path) -> dict[str, Path]:
    """Chooses among several fields of a pair as `check` and `submit` do, and tells of each choice.

    Returns:
        The file by the name of the pair, only for pairs that have more than one.
    """
    several = {pair.name: paths for pair in task.pairs if len(paths := present_fields(folder, pair)) > 1}
    if not several:
        return {}
    survey = survey_fields(task, folder)
    assigned = survey.assignment.fields
    chosen = {name: assigned[name].path for name in several if name in assigned}
    for name, path in chosen.items():
        others = ", ".join(other.name for other in several[name] if other != path)
        why = f"most fields are in profile {survey.profile.name}"
        log.warning("several fields of %s: %s is taken, not %s: %s", name, path.name, others, why)
    return chosen


def _try_inspect(entry: Entry) -> Stored | DisplacementError:
    try:
        return inspect(entry.path)
    except DisplacementError as damage:
        return damage
