"""Which output profile each edition of a Learn2Reg task has asked for, and which one a task gets unasked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pairs.fields.profile import PROFILES, Profile, Shape3
from pairs.tasks.imagefiles import has_name_of_2021
from pairs.tasks.known import Edition, known_task

__all__ = [
    "OWN_TASK_PROFILE",
    "ProfileChoice",
    "ProfileFault",
    "choose_profile",
    "editions_of",
    "known_profiles",
    "profile_fault",
]

OWN_TASK_PROFILE = "l2r2022"
"""For tasks of one's own: today's official evaluator reads it, and it stores every voxel of any grid."""


@dataclass(frozen=True)
class ProfileChoice:
    """A profile and why it is taken, in words that follow "profile NAME: "."""

    profile: Profile
    reason: str


@dataclass(frozen=True)
class ProfileFault:
    """Why no host of a task reads a profile, and what it would read."""

    what: str
    expected: str


def editions_of(task_name: str) -> tuple[Edition, ...]:
    """Returns the editions of a task, the oldest first; none for a task of one's own."""
    task = known_task(task_name)
    return () if task is None else task.editions


def known_profiles(task_name: str) -> tuple[str, ...]:
    """Returns the profiles that the editions of a task have asked for; empty for tasks of one's own."""
    return tuple(dict.fromkeys(edition.profile for edition in editions_of(task_name)))


def choose_profile(task_name: str, grid: Shape3 | None, images: Iterable[Path]) -> ProfileChoice:
    """Chooses what a task's host reads, by the edition that the images belong to.

    The grid decides where editions differ in it (OASIS turned its axes in 2022), then the images' names:
    until 2021 they were `img0001.nii.gz`.

    Args:
        task_name: Name of the task.
        grid: (X, Y, Z) of its fixed images, None where unknown.
        images: Files of its images.
    """
    editions = editions_of(task_name)
    if not editions:
        reason = f"{task_name} is no task of the challenge, so the whole grid is stored"
        return ProfileChoice(PROFILES[OWN_TASK_PROFILE], reason)
    by_grid = _of_grid(editions, grid)
    of_2021 = any(map(has_name_of_2021, images))
    by_name = [edition for edition in editions if edition.old_names and of_2021]
    edition = by_grid or (by_name or editions)[-1]
    evidence = ""
    if len(editions) > 1:
        evidence = f", by the {f'grid {grid}' if by_grid else 'names'} of the images"
    return ProfileChoice(
        PROFILES[edition.profile], f"the {task_name} of {edition.years} asks for it{evidence}"
    )


def profile_fault(task_name: str, grid: Shape3 | None, profile: Profile) -> ProfileFault | None:
    """Says why no edition of the task, or not the one of these images, reads the profile; None if it does.

    Args:
        task_name: Name of the task; of one's own task nothing is known.
        grid: (X, Y, Z) of its fixed images, None where unknown.
        profile: What the fields are written as.
    """
    editions = editions_of(task_name)
    if editions and profile.name not in known_profiles(task_name):
        expected = " or ".join(map(str, editions))
        return ProfileFault(f"no edition of {task_name} reads profile {profile.name}", expected)
    edition = _of_grid(editions, grid)
    if edition is not None and edition.profile != profile.name:
        fault = f"images of {grid} belong to another year of {task_name} than profile {profile.name}"
        return ProfileFault(fault, str(edition))
    return None


def _of_grid(editions: Sequence[Edition], grid: Shape3 | None) -> Edition | None:
    """Returns the edition that alone has this grid, or None."""
    return next((edition for edition in editions if edition.grid is not None and edition.grid == grid), None)
