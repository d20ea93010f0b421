"""The check of a whole set of fields: every rule on every pair, also after the first fault."""

from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from evaluation.submission.conventions import Convention
from evaluation.submission.fields import FoundField, find_fields
from evaluation.submission.findings import Finding, count, error, in_order, warning
from evaluation.submission.inspection import Inspection
from evaluation.submission.nearestprofile import mixture_findings
from evaluation.submission.survey import survey_fields
from pairs.fields.profile import Profile, Shape3
from pairs.tasks.editions import known_profiles, profile_fault
from pairs.tasks.task import Task

__all__ = ["EDITION", "SUBSET", "Check", "check_fields", "edition_findings"]

EDITION = "edition"
"""The rule of a profile that an edition of the task does not read."""

SUBSET = "subset"
"""The rule of a pair list that has only some of the task's pairs."""


@dataclass(frozen=True)
class Check:
    """The outcome.

    Attributes:
        profile: The profile that the host reads.
        short_names: Whether the host reads short names.
        fields: The pairs that have a file.
        findings: Everything that is wrong, errors first.
        pairs: How many pairs the task has.
        meant: The convention in which the fields are stored, where that is certain and not the challenge's.
    """

    profile: Profile
    short_names: bool
    fields: tuple[FoundField, ...]
    findings: tuple[Finding, ...]
    pairs: int
    meant: Convention | None = None

    @property
    def accepted(self) -> bool:
        """Whether there is no error."""
        return count(self.findings, "error") == 0


def check_fields(
    task: Task,
    folder: Path,
    *,
    profile: Profile | None = None,
    short_names: bool = False,
    expected_shape: Shape3 | None = None,
) -> Check:
    """Lists everything that is wrong with the fields of a task.

    Args:
        task: The task.
        folder: The folder of fields.
        profile: The profile that the host reads; None for the one that most fields fit best.
        short_names: Whether the host reads short names.
        expected_shape: (X, Y, Z) of an evaluation configuration.

    Raises:
        UsageError: If there is no such folder.
        NothingToDo: If it holds no file.
    """
    survey = survey_fields(
        task, folder, profile=profile, short_names=short_names, expected_shape=expected_shape
    )
    chosen, assignment = survey.profile, survey.assignment
    findings = [*_subset_findings(task), *survey.findings, *assignment.findings]
    findings += mixture_findings(survey.samples, chosen)
    fields = find_fields(assignment.fields, task.pairs, survey.grids, survey.stored, chosen)
    first_grid = next(iter(survey.grids.values()), None)
    if first_grid is not None:
        findings += edition_findings(task.name, first_grid, chosen)
    inspection = Inspection(chosen)
    for found in tqdm(fields, desc="checking", unit="field", disable=None):
        findings += inspection.look(found, survey.stored.get(found.entry.name))
    verdict = inspection.verdict()
    findings += [*verdict.findings, *inspection.lost_evidence(), *inspection.duplicates()]
    return Check(chosen, short_names, fields, in_order(findings), len(task.pairs), verdict.meant)


def _subset_findings(task: Task) -> list[Finding]:
    if not task.left_out:
        return []
    whole = len(task.pairs) + len(task.left_out)
    what, got = "the pair list has only some of the task's pairs", f"{len(task.pairs)}"
    remedy = "leave out --pairs before you send the fields"
    return [warning(SUBSET, "", what, expected=f"all {whole} pairs", got=got, remedy=remedy)]


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
