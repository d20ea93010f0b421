"""A finding in words."""

import re

from evaluation.submission.findings import Finding

__all__: list[str] = []


def test_a_finding_is_one_printable_line() -> None:
    line = str(Finding("error", "rule", "a\nb", "what", "this", "that", "do\x1b so"))
    assert line == r"error: a\nb: [rule] what; expected this, got that; do\x1b so"
    assert re.fullmatch(r"[^\n]+", line)
    assert len(str(Finding("error", "rule", "f" * 5000, "what", "e" * 5000, "g" * 5000, "mend it"))) < 1300
