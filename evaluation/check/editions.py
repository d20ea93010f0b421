"""Whether the profile of the fields is one that an edition of the task reads."""

from evaluation.check.findings import Finding, warning
from pairs.editions import misfit_of
from pairs.profile import Profile, Shape3

__all__ = ["edition_findings"]


def edition_findings(task_name: str, grid: Shape3, profile: Profile) -> list[Finding]:
    """Warns where no edition of the task, or not the one of these images, reads the profile."""
    misfit = misfit_of(task_name, grid, profile)
    if misfit is None:
        return []
    remedy = "write the fields with another --profile, or make sure that your host wants this one"
    return [warning("edition", "", misfit.fault, expected=misfit.expected, got=profile.name, remedy=remedy)]
