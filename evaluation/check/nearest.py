"""The profile that most fields of a folder are nearest to."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evaluation.check.layout import place
from evaluation.check.names import FieldName
from evaluation.check.stored import Stored
from pairs.editions import OWN_TASK_PROFILE, known_profiles
from pairs.profile import NPZ_SUFFIX, PROFILES, Profile, Shape3

__all__ = ["Witness", "nearest_profile"]

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

    Profiles of one task only (LUMIR, PSMAReg, the hippocampus of 2020) need more likeness elsewhere.
    """
    known = known_profiles(task_name)
    if not witnesses:
        return PROFILES[known[-1] if known else OWN_TASK_PROFILE]
    scores = [
        {profile.name: _likeness(one, profile) - _misfit(profile, known) for profile in PROFILES.values()}
        for one in witnesses
    ]
    votes = Counter(name for one in scores for name in _best(one))
    totals = {name: sum(one[name] for one in scores) for name in PROFILES}
    return PROFILES[max(PROFILES, key=lambda name: (votes[name], totals[name]))]


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
