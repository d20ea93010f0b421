"""The profile that most fields of a folder are nearest to, and whether all of them are in it."""

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

__all__ = ["Witness", "mixture_findings", "nearest_profile"]

_NARROW = ("l2r2020-full", "lumir2024", "psmareg2026")
_MISFIT = 3.0


@dataclass(frozen=True)
class Witness:
    """One field as evidence of the profile that was meant.

    Attributes:
        name: Its name, taken apart.
        stored: What it holds, None where it cannot be read.
        grid: (X, Y, Z) of its pair, None where unknown.
    """

    name: FieldName
    stored: Stored | None
    grid: Shape3 | None


def nearest_profile(witnesses: Sequence[Witness], task_name: str) -> Profile:
    """Returns the profile to which most fields are nearest; for a task without fields the one it asks for.

    Fields that cannot be read tell by their names, only where there is no other and among the editions of
    the task. Profiles of one task only (LUMIR, PSMAReg, the hippocampus of 2020) need more likeness
    elsewhere.
    """
    known = known_profiles(task_name)
    if not witnesses:
        return PROFILES[known[-1] if known else OWN_TASK_PROFILE]
    readable = [one for one in witnesses if one.stored is not None]
    # A damaged file is no witness that its makers missed every edition.
    eligible = PROFILES if readable or not known else {name: PROFILES[name] for name in known}
    scores = [
        {profile.name: _likeness(one, profile) - _misfit(profile, known) for profile in eligible.values()}
        for one in readable or witnesses
    ]
    votes = Counter(name for one in scores for name in _best(one))
    totals = {name: sum(one[name] for one in scores) for name in eligible}
    return PROFILES[max(eligible, key=lambda name: (votes[name], totals[name]))]


def mixture_findings(witnesses: Sequence[Witness], profile: Profile) -> list[Finding]:
    """Says once, before the faults of each file, that a folder holds what is stored for another profile."""
    stored = Counter(name for one in witnesses if (name := _stored_as(one, profile)) is not None)
    if not set(stored) - {profile.name}:
        return []
    got = ", ".join(f"{number} as {name}" for name, number in stored.most_common())
    what = f"fields are not all stored as {profile.name}"
    remedy = "keep one kind in the folder, or name the one that your host wants with --profile"
    return [warning("profile", "", what, expected=f"{profile.name} alone", got=got, remedy=remedy)]


def _stored_as(witness: Witness, profile: Profile) -> str | None:
    """Names the profile that an array is of by container, shape and number type; None where it is of none."""
    if witness.stored is None or witness.grid is None or len(witness.stored.heads) != 1:
        return None
    (head,) = witness.stored.heads
    suffix = {"npz": NPZ_SUFFIX, "nifti-gz": NIFTI_SUFFIX}.get(witness.stored.kind)
    if suffix is None:
        return None
    fitting = [
        layout.profile.name
        for layout in layouts_for(suffix, witness.grid)
        if layout.accepts(head.shape, head.dtype, head.key or None)
    ]
    return profile.name if profile.name in fitting else next(iter(fitting), None)


def _best(scores: dict[str, float]) -> Iterable[str]:
    highest = max(scores.values())
    return [name for name, score in scores.items() if score == highest]


def _misfit(profile: Profile, known: tuple[str, ...]) -> float:
    return _MISFIT if profile.name in _NARROW and profile.name not in known else 0.0


def _likeness(witness: Witness, profile: Profile) -> float:
    points = float(witness.name.suffix.lower() in profile.suffixes)
    points += float(witness.name.form == profile.naming)
    if witness.stored is None or witness.grid is None:
        return points
    points += float((witness.stored.kind == "npz") == (NPZ_SUFFIX in profile.suffixes))
    for head in witness.stored.heads[:1]:
        placement = place(head.shape, witness.grid, profile)
        if placement is not None:
            points += 3.0 * (placement.half == profile.half)
            points += 2.0 * (placement.channel_first == profile.channel_first)
        points += float(head.dtype == profile.dtype)
    return points
