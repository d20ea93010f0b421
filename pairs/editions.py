"""Which output profile each edition of a Learn2Reg task has asked for, and which one a task gets unasked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pairs.profile import PROFILES, Profile, Shape3

__all__ = [
    "OWN_TASK_PROFILE",
    "Edition",
    "Misfit",
    "ProfileChoice",
    "choose_profile",
    "editions_of",
    "known_profiles",
    "misfit_of",
]

OWN_TASK_PROFILE = "l2r2022"
"""For tasks of one's own: today's official evaluator reads it, and it stores every voxel of any grid."""


@dataclass(frozen=True)
class Edition:
    """What the host of one or more years reads.

    Attributes:
        years: Of the challenge, in words.
        profile: Name of the output profile.
        grid: (X, Y, Z) of the images, where it tells this edition from the others.
        old_names: Whether its images are called `img0001.nii.gz`.
    """

    years: str
    profile: str
    grid: Shape3 | None = None
    old_names: bool = False

    def __str__(self) -> str:
        return f"{self.profile} ({self.years})"


@dataclass(frozen=True)
class ProfileChoice:
    """A profile and why it is taken, in words that follow "profile NAME: "."""

    profile: Profile
    reason: str


@dataclass(frozen=True)
class Misfit:
    """Why no host of a task reads a profile, and what it would read."""

    fault: str
    expected: str


_FROM_2022 = Edition("2022 on", "l2r2022")


def _half(years: str) -> Edition:
    return Edition(years, "l2r2021", old_names=True)


# By the first letters of the task's name, in small letters; the newest edition last.
_EDITIONS: Mapping[str, tuple[Edition, ...]] = MappingProxyType(
    {
        "abdomenctct": (_half("2020"), _FROM_2022),
        "abdomenmrct": (_half("2021"), _FROM_2022),
        "lungct": (_half("2020 and 2021"), _FROM_2022),
        "nlst": (_FROM_2022,),
        "hippocampus": (Edition("2020", "l2r2020-full", old_names=True), _FROM_2022),
        "oasis": (
            Edition("2021", "l2r2021", (160, 192, 224), old_names=True),
            Edition("2022 on", "l2r2022", (160, 224, 192)),
        ),
        "curious": (_half("2020"), _FROM_2022),
        "thoraxcbct": (Edition("2023", "l2r2022"),),
        "oncoreg": (Edition("2023 on", "l2r2022"),),
        "lumir": (Edition("2024 on", "lumir2024"),),
        "psma": (Edition("2026", "psmareg2026"),),
    }
)


def editions_of(task_name: str) -> tuple[Edition, ...]:
    """Returns the editions of a task, the oldest first; none for a task of one's own."""
    return next((found for start, found in _EDITIONS.items() if task_name.lower().startswith(start)), ())


def known_profiles(task_name: str) -> tuple[str, ...]:
    """Returns the profiles that the editions of a task have asked for; empty for tasks of one's own."""
    return tuple(dict.fromkeys(edition.profile for edition in editions_of(task_name)))


def choose_profile(task_name: str, grid: Shape3 | None, image_names: Iterable[str]) -> ProfileChoice:
    """Chooses what a task's host reads, by the edition that the images belong to.

    The grid decides where it tells editions apart (OASIS turned its axes in 2022), then the images' names:
    until 2021 they were `img0001.nii.gz`.

    Args:
        task_name: Name of the task.
        grid: (X, Y, Z) of its fixed images, None where unknown.
        image_names: File names of its images.
    """
    editions = editions_of(task_name)
    if not editions:
        reason = f"{task_name} is no task of the challenge, so the whole grid is stored"
        return ProfileChoice(PROFILES[OWN_TASK_PROFILE], reason)
    by_grid = [edition for edition in editions if edition.grid is not None and edition.grid == grid]
    old = any(name.startswith("img") for name in image_names)
    by_name = [edition for edition in editions if edition.old_names] if old else []
    edition = (by_grid or by_name or editions[-1:])[-1]
    told = ""
    if len(editions) > 1:
        told = ", told by the names of the images"
        told = f", told by the grid {grid} of the images" if by_grid else told
    return ProfileChoice(PROFILES[edition.profile], f"the {task_name} of {edition.years} asks for it{told}")


def misfit_of(task_name: str, grid: Shape3 | None, profile: Profile) -> Misfit | None:
    """Says why no edition of the task, or not the one of these images, reads the profile; None if it does.

    Args:
        task_name: Name of the task; of one's own task nothing is known.
        grid: (X, Y, Z) of its fixed images, None where unknown.
        profile: What the fields are written as.
    """
    editions = editions_of(task_name)
    if editions and profile.name not in known_profiles(task_name):
        expected = " or ".join(map(str, editions))
        return Misfit(f"no edition of {task_name} reads profile {profile.name}", expected)
    by_grid = {edition.grid: edition for edition in editions if edition.grid is not None}
    if grid in by_grid and by_grid[grid].profile != profile.name:
        fault = f"images of {grid} belong to another year of {task_name} than profile {profile.name}"
        return Misfit(fault, str(by_grid[grid]))
    return None
