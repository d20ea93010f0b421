"""Whether the profile of the fields is one that an edition of the task reads."""

from evaluation.submission.findings import Finding, error, warning
from pairs.fields.profile import Profile, Shape3
from pairs.tasks.editions import known_profiles, profile_fault

__all__ = ["EDITION", "edition_findings"]

EDITION = "edition"
"""The rule of all these findings."""


def edition_findings(task_name: str, grid: Shape3, profile: Profile) -> list[Finding]:
    """Refuses a profile that no edition of the task reads; warns where the images are of another year."""
    fault = profile_fault(task_name, grid, profile)
    if fault is None:
        return []
    known = known_profiles(task_name)
    if profile.name in known:
        remedy = "write the fields with another --profile, or make sure that your host wants this one"
        return [warning(EDITION, "", fault.what, expected=fault.expected, got=profile.name, remedy=remedy)]
    remedy = (
        f"register again with predict --profile {known[-1]}, "
        f"or convert a copy with check --profile {known[-1]} --fix NEW"
    )
    return [error(EDITION, "", fault.what, expected=fault.expected, got=profile.name, remedy=remedy)]
