"""Findings: one sentence for each thing that is wrong with a set of fields."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pairs.process.logline import LONGEST_LINE, bounded

__all__ = ["Finding", "Severity", "count", "error", "in_order", "warning"]

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        severity: `error` for what must be corrected before the upload, `warning` for what is unusual.
        rule: Short name of the rule that found it, such as "dtype".
        file: Name of the file or of the pair; empty for the whole set.
        what: What is wrong.
        expected: What would have been right.
        got: What was found.
        remedy: What to do next.
        repairable: Whether `--fix` can correct it without guessing.
    """

    severity: Severity
    rule: str
    file: str
    what: str
    expected: str = ""
    got: str = ""
    remedy: str = ""
    repairable: bool = False

    def __str__(self) -> str:
        """Returns the finding as one line without control characters."""
        words = (("expected", self.expected), ("got", self.got))
        facts = ", ".join(f"{word} {bounded(fact)}" for word, fact in words if fact)
        sentence = "; ".join(part for part in (f"[{self.rule}] {self.what}", facts, self.remedy) if part)
        parts = (self.severity, bounded(self.file), sentence)
        return bounded(": ".join(part for part in parts if part), LONGEST_LINE)


def error(
    rule: str,
    file: str,
    what: str,
    *,
    expected: object = "",
    got: object = "",
    remedy: str = "",
    repairable: bool = False,
) -> Finding:
    """Makes an error."""
    return Finding("error", rule, file, what, str(expected), str(got), remedy, repairable)


def warning(
    rule: str, file: str, what: str, *, expected: object = "", got: object = "", remedy: str = ""
) -> Finding:
    """Makes a warning."""
    return Finding("warning", rule, file, what, str(expected), str(got), remedy)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Returns each finding once: errors before warnings, the whole set before its files, files by name."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda one: (one.severity, one.file, one.rule)))


def count(findings: Iterable[Finding], severity: Severity) -> int:
    """Returns how many findings have a severity."""
    return sum(one.severity == severity for one in findings)
