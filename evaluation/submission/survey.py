"""The survey of a folder of fields: their profile, and which file is the field of which pair.

`evaluate`, `check` and `submit` use the same survey: the files that are scored are those that are sent.
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
from evaluation.submission.nearestprofile import Sample, nearest_profile
from evaluation.submission.stored import Stored, inspect
from pairs.errors import DisplacementError
from pairs.fields.displacement import present_fields
from pairs.fields.profile import Profile, Shape3
from pairs.tasks.task import Task

__all__ = ["Survey", "preferred_fields", "survey_fields"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Survey:
    """What is known from the names and heads of the files.

    Attributes:
        profile: The profile that the host reads.
        grids: (X, Y, Z) of the fixed image by pair name, for each pair where it is known.
        stored: What the files hold, by their names in the folder.
        assignment: The file of each pair.
        samples: The fields from which the profile was derived.
        findings: What is wrong with the images.
    """

    profile: Profile
    grids: Mapping[str, Shape3]
    stored: Opened
    assignment: Assignment
    samples: tuple[Sample, ...]
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
    samples: list[Sample] = []
    for entry in entries:
        name = parse_field_name(entry.name)
        if name is None:
            continue
        held = stored[entry.name] = _try_inspect(entry)
        match = match_pair(name, task.pairs)
        if match is not None:
            readable = held if isinstance(held, Stored) else None
            samples.append(Sample(name, readable, grids.get(match.pair.name)))
    chosen = profile or nearest_profile(samples, task.name)
    assignment = assign(entries, task.pairs, chosen, short_names=short_names, left_out=task.left_out)
    return Survey(chosen, grids, stored, assignment, tuple(samples), tuple(findings))


def preferred_fields(task: Task, folder: Path) -> dict[str, Path]:
    """Chooses among several fields of a pair as `check` and `submit` do, and warns of each choice.

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
        log.warning(
            "pair %s has several fields: %s is used, not %s, because %s", name, path.name, others, why
        )
    return chosen


def _try_inspect(entry: Entry) -> Stored | DisplacementError:
    try:
        return inspect(entry.path)
    except DisplacementError as damage:
        return damage
