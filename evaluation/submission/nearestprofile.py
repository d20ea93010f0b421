"""The profile that most fields of a folder fit best, and whether all of them are stored in it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evaluation.submission.findings import Finding, warning
from evaluation.submission.layout import place
from evaluation.submission.names import FieldName
from evaluation.submission.stored import Stored
from pairs.fields.profile import (
    NIFTI_SUFFIX,
    NPZ_SUFFIX,
    PROFILES,
    Profile,
    Shape3,
    layouts_for,
)
from pairs.tasks.editions import OWN_TASK_PROFILE, known_profiles

__all__ = ["Sample", "mixture_findings", "nearest_profile"]

_NARROW = ("l2r2020-full", "lumir2024", "psmareg2026")
_MISFIT = 3.0


@dataclass(frozen=True)
class Sample:
    """One field, from which the profile is derived.

    Attributes:
        name: The parts of its name.
        stored: What it holds; None if it cannot be read.
        grid: (X, Y, Z) of its pair; None if unknown.
    """

    name: FieldName
    stored: Stored | None
    grid: Shape3 | None


def nearest_profile(samples: Sequence[Sample], task_name: str) -> Profile:
    """Returns the profile that most fields fit best; for a folder without fields that of the task.

    If no field can be read, the names decide, among the profiles of the task. Profiles of a single task
    (LUMIR, PSMAReg, the hippocampus of 2020) need a better fit in other tasks.
    """
    known = known_profiles(task_name)
    if not samples:
        return PROFILES[known[-1] if known else OWN_TASK_PROFILE]
    readable = [one for one in samples if one.stored is not None]
    # A damaged file is no evidence for a profile that the task does not have.
    eligible = PROFILES if readable or not known else {name: PROFILES[name] for name in known}
    scores = [
        {profile.name: _likeness(one, profile) - _misfit(profile, known) for profile in eligible.values()}
        for one in readable or samples
    ]
    votes = Counter(name for one in scores for name in _best(one))
    totals = {name: sum(one[name] for one in scores) for name in eligible}
    return PROFILES[max(eligible, key=lambda name: (votes[name], totals[name]))]


def mixture_findings(samples: Sequence[Sample], profile: Profile) -> list[Finding]:
    """Warns once, before the faults of each file, that some fields are stored in another profile."""
    stored = Counter(name for one in samples if (name := _stored_as(one, profile)) is not None)
    if not set(stored) - {profile.name}:
        return []
    got = ", ".join(f"{number} as {name}" for name, number in stored.most_common())
    what = f"fields are not all stored as {profile.name}"
    remedy = "keep the fields of one profile in the folder, or give the profile of your host with --profile"
    return [warning("profile", "", what, expected=f"only {profile.name}", got=got, remedy=remedy)]


def _stored_as(sample: Sample, profile: Profile) -> str | None:
    """Returns the profile that fits the container, shape and number type of a field; None if none does."""
    if sample.stored is None or sample.grid is None or len(sample.stored.heads) != 1:
        return None
    (head,) = sample.stored.heads
    suffix = {"npz": NPZ_SUFFIX, "nifti-gz": NIFTI_SUFFIX}.get(sample.stored.kind)
    if suffix is None:
        return None
    fitting = [
        layout.profile.name
        for layout in layouts_for(suffix, sample.grid)
        if layout.accepts(head.shape, head.dtype, head.key or None)
    ]
    return profile.name if profile.name in fitting else next(iter(fitting), None)


def _best(scores: dict[str, float]) -> Iterable[str]:
    highest = max(scores.values())
    return [name for name, score in scores.items() if score == highest]


def _misfit(profile: Profile, known: tuple[str, ...]) -> float:
    return _MISFIT if profile.name in _NARROW and profile.name not in known else 0.0


def _likeness(sample: Sample, profile: Profile) -> float:
    points = float(sample.name.suffix.lower() in profile.suffixes)
    points += float(sample.name.form == profile.naming)
    if sample.stored is None or sample.grid is None:
        return points
    points += float((sample.stored.kind == "npz") == (NPZ_SUFFIX in profile.suffixes))
    for head in sample.stored.heads[:1]:
        placement = place(head.shape, sample.grid, profile)
        if placement is not None:
            points += 3.0 * (placement.half == profile.half)
            points += 2.0 * (placement.channel_first == profile.channel_first)
        points += float(head.dtype == profile.dtype)
    return points
