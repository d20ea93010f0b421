"""Whether the profile of the fields is one that an edition of the task reads."""

from evaluation.check.findings import Finding, warning
from pairs.editions import editions_of, known_profiles
from pairs.profile import Profile, Shape3

__all__ = ["edition_findings"]


def edition_findings(task_name: str, grid: Shape3, profile: Profile) -> list[Finding]:
    """Warns where no edition of the task, or not the one of these images, reads the profile."""
    known = known_profiles(task_name)
    remedy = "write the fields with another --profile, or make sure that your host wants this one"
    if known and profile.name not in known:
        what = f"no edition of {task_name} has asked for profile {profile.name}"
        return [warning("edition", "", what, expected=" or ".join(known), got=profile.name, remedy=remedy)]
    by_grid = {edition.grid: edition for edition in editions_of(task_name) if edition.grid is not None}
    if grid in by_grid and by_grid[grid].profile != profile.name:
        what = f"images of {grid} belong to another year of {task_name} than profile {profile.name}"
        expected = str(by_grid[grid])
        return [warning("edition", "", what, expected=expected, got=profile.name, remedy=remedy)]
    return []
