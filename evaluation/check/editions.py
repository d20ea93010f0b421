"""Which profiles the editions of each task have asked for (facts/learn2reg.md 1.2 and 2.2)."""

from collections.abc import Mapping
from types import MappingProxyType

from evaluation.check.findings import Finding, error, warning
from pairs.profile import Profile, Shape3

__all__ = ["EDITION", "edition_findings", "known_profiles"]

EDITION = "edition"
"""The rule of all these findings."""

_OASIS_2021 = (160, 192, 224)
_OASIS_2022 = (160, 224, 192)

# By the first letters of the task's name, in small letters.
_PROFILES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "abdomenctct": ("l2r2021", "l2r2022"),
        "abdomenmrct": ("l2r2021", "l2r2022"),
        "lungct": ("l2r2021", "l2r2022"),
        "nlst": ("l2r2022",),
        "hippocampus": ("l2r2020-full", "l2r2022"),
        "oasis": ("l2r2021", "l2r2022"),
        "curious": ("l2r2021", "l2r2022"),
        "thoraxcbct": ("l2r2022",),
        "oncoreg": ("l2r2022",),
        "lumir": ("lumir2024",),
        "psma": ("psmareg2026",),
    }
)

_YEARS: Mapping[str, str] = MappingProxyType(
    {
        "l2r2021": "2020 and 2021",
        "l2r2020-full": "2020",
        "l2r2022": "2022 on",
        "lumir2024": "2024 on",
        "psmareg2026": "2026",
    }
)


def known_profiles(task_name: str) -> tuple[str, ...]:
    """Returns the profiles that the editions of a task have asked for; empty for tasks of one's own."""
    return next((names for start, names in _PROFILES.items() if task_name.lower().startswith(start)), ())


def edition_findings(task_name: str, grid: Shape3, profile: Profile) -> list[Finding]:
    """Refuses a profile that no edition of the task reads; warns where the images are of another year."""
    known = known_profiles(task_name)
    if known and profile.name not in known:
        what = f"no edition of {task_name} reads profile {profile.name}"
        expected = " or ".join(f"{name} ({_YEARS[name]})" for name in known)
        remedy = (
            f"register again with predict --profile {known[-1]}, "
            f"or convert a copy with check --profile {known[-1]} --fix NEW"
        )
        return [error(EDITION, "", what, expected=expected, got=profile.name, remedy=remedy)]
    years = {_OASIS_2021: "l2r2021", _OASIS_2022: "l2r2022"}
    if task_name.lower().startswith("oasis") and years.get(grid, profile.name) != profile.name:
        what = f"images of {grid} belong to another year of OASIS than profile {profile.name}"
        remedy = "write the fields with another --profile, or make sure that your host wants this one"
        return [warning(EDITION, "", what, expected=years[grid], got=profile.name, remedy=remedy)]
    return []
