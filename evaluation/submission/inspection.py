"""The inspection of each field, and the comparison of all of them."""

import hashlib
from collections import defaultdict
from typing import Any

from numpy.typing import NDArray

from evaluation.submission.fields import FoundField, source_upsampling
from evaluation.submission.findings import Finding, error, warning
from evaluation.submission.folder import Entry, entry_findings
from evaluation.submission.layout import layout_findings
from evaluation.submission.stored import Stored, load
from evaluation.submission.suspicions import Verdict, judge
from evaluation.submission.trial import Trial, read_evidence, try_field
from evaluation.submission.values import folding_findings, full_field, value_findings
from pairs.errors import DisplacementError
from pairs.fields.profile import Profile, Shape3
from pairs.files.regularfile import open_regular

__all__ = ["Inspection"]

# With one of these findings the values cannot be compared with anything.
_FINAL = ("finite", "zero", "range")


class Inspection:
    """Inspects fields one by one and keeps what their comparison needs, but no field."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._trials: list[Trial] = []
        self._lost: list[str] = []
        self._by_size: dict[int, list[Entry]] = defaultdict(list)

    def look(self, found: FoundField, stored: Stored | DisplacementError | None) -> list[Finding]:
        """Lists everything that is wrong with one field.

        Args:
            found: The field.
            stored: What its file holds, or why it cannot be read.
        """
        name = found.entry.name
        findings = entry_findings(found.entry)
        if isinstance(stored, DisplacementError) and found.entry.usable:
            findings.append(_unreadable(name, stored))
        if found.stored is None or found.grid is None:
            return findings
        findings += layout_findings(found.stored, name, found.grid, self._profile)
        if found.head is None or found.placement is None:
            return findings
        try:
            array = load(found.stored, found.head)
        except DisplacementError as damage:
            return [*findings, _unreadable(name, damage)]
        return findings + self._values(found, found.placement.as_field(array), found.grid)

    def _values(self, found: FoundField, field: NDArray[Any], grid: Shape3) -> list[Finding]:
        name = found.entry.name
        findings = value_findings(field, name, grid, self._profile)
        if any(one.rule in _FINAL for one in findings):
            return findings
        self._by_size[found.entry.path.stat().st_size].append(found.entry)
        displacement = full_field(field, source_upsampling(found, self._profile))
        evidence = read_evidence(found.pair)
        self._lost += evidence.lost if evidence is not None else ()
        if evidence is not None and evidence.header.shape == grid:
            self._trials.append(try_field(name, displacement, evidence))
        return findings + folding_findings(displacement, name)

    def verdict(self) -> Verdict:
        """Says whether the fields align the pairs."""
        return judge(self._trials)

    def lost_evidence(self) -> list[Finding]:
        """Warns once of label maps or images that cannot be read."""
        lost = dict.fromkeys(self._lost)
        if not lost:
            return []
        what, got = "label maps or images cannot be read", f"for example: {next(iter(lost))}"
        remedy = "the fields are checked without them, so a wrong direction or unit may pass"
        return [warning("evidence", "", what, got=got, remedy=remedy)]

    def duplicates(self) -> list[Finding]:
        """Warns of files with the same content."""
        what, remedy = "several pairs have the same displacement", "check that no file was copied by mistake"
        by_content: dict[str, list[str]] = defaultdict(list)
        for entry in (entry for entries in self._by_size.values() if len(entries) > 1 for entry in entries):
            by_content[_digest(entry)].append(entry.name)
        return [
            warning(
                "duplicate", names[0], what, got=f"the same bytes in {', '.join(names[1:])}", remedy=remedy
            )
            for names in by_content.values()
            if len(names) > 1
        ]


def _digest(entry: Entry) -> str:
    with open_regular(entry.path) as stream:
        return hashlib.file_digest(stream, "blake2b").hexdigest()


def _unreadable(name: str, damage: DisplacementError) -> Finding:
    got, remedy = damage.got or str(damage), damage.remedy or "copy it again, or register the pair again"
    return error("damaged", name, "file cannot be read", expected="npz or NIfTI", got=got, remedy=remedy)
