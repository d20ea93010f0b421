"""The check of a whole set of fields: every rule over every pair, nothing stops at the first fault."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from evaluation.check.assignment import assign
from evaluation.check.editions import edition_findings
from evaluation.check.fields import FoundField, Opened, find_fields, task_grids
from evaluation.check.findings import Finding, count, in_order
from evaluation.check.folder import Entry, list_entries
from evaluation.check.inspection import Inspection
from evaluation.check.names import match_pair, parse_field_name
from evaluation.check.nearest import Witness, nearest_profile
from evaluation.check.stored import Stored, inspect
from pairs.errors import DisplacementError
from pairs.pair import Pair
from pairs.profile import Profile, Shape3
from pairs.task import Task

__all__ = ["Check", "check_fields"]


@dataclass(frozen=True)
class Check:
    """The outcome.

    Attributes:
        profile: What the fields were held against.
        short_names: Whether the host is one of the older copies.
        fields: The pairs that have a file.
        findings: All that is wrong, in order.
        pairs: How many pairs the task has.
        meant: Name of the reading that the fields are certain to need; None for the one as stored.
    """

    profile: Profile
    short_names: bool
    fields: tuple[FoundField, ...]
    findings: tuple[Finding, ...]
    pairs: int
    meant: str | None = None

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
    """Holds a folder of fields against a task and tells everything that is wrong with it.

    Args:
        task: The task.
        folder: The folder of fields.
        profile: What the host wants; None for the profile that most fields are nearest to.
        short_names: Whether the host is a copy that looks for short names.
        expected_shape: (X, Y, Z) of an evaluation configuration.

    Raises:
        UsageError: If there is no such folder.
        NothingToDo: If it holds no file.
    """
    entries = list_entries(folder)
    grids, findings = task_grids(task, expected_shape)
    stored = {entry.name: _try_inspect(entry) for entry in entries if parse_field_name(entry.name)}
    chosen = profile or nearest_profile(_witnesses(entries, stored, task.pairs, grids), task.name)
    assignment = assign(entries, task.pairs, chosen, short_names=short_names)
    findings += assignment.findings
    fields = find_fields(assignment.fields, task.pairs, grids, stored, chosen)
    first_grid = next(iter(grids.values()), None)
    if first_grid is not None:
        findings += edition_findings(task.name, first_grid, chosen)
    inspection = Inspection(chosen)
    for found in tqdm(fields, desc="checking", unit="field", disable=None):
        findings += inspection.look(found, stored.get(found.entry.name))
    verdict = inspection.verdict()
    findings += [*verdict.findings, *inspection.twins()]
    return Check(chosen, short_names, fields, in_order(findings), len(task.pairs), verdict.meant)


def _try_inspect(entry: Entry) -> Stored | DisplacementError:
    if not entry.path.is_file():
        # A read from a named pipe would never end.
        return DisplacementError("not a file", where=entry.path)
    try:
        return inspect(entry.path)
    except DisplacementError as damage:
        return damage


def _witnesses(
    entries: Sequence[Entry],
    stored: Opened,
    pairs: Sequence[Pair],
    grids: Mapping[str, Shape3],
) -> list[Witness]:
    found: list[Witness] = []
    for entry in entries:
        name = parse_field_name(entry.name)
        match = None if name is None else match_pair(name, pairs)
        if name is not None and match is not None:
            held = stored[entry.name]
            readable = held if isinstance(held, Stored) else None
            found.append(Witness(name, readable, grids.get(match.pair.name)))
    return found
