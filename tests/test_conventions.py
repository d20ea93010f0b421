"""The worked example of docs/conventions.md is true, and its table names every profile."""

import doctest
from pathlib import Path

from pairs.fields.displacement import PROFILES

__all__: list[str] = []

PAGE = Path(__file__).resolve().parents[1] / "docs" / "conventions.md"


def test_the_worked_example_runs() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0


def test_the_table_names_every_profile() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == list(PROFILES)
