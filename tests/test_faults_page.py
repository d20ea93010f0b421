"""docs/faults.md has every fault once, and the tests that it names exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[1]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "faults.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| \d", line)
]
FAULTS = 75


@cache
def names_in(file: str) -> set[str]:
    """Names of the test functions of a file; none where it is absent."""
    path = ROOT / file
    if not path.is_file():
        return set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_fault_has_its_row() -> None:
    assert [int(number) for number, *_ in ROWS] == list(range(1, FAULTS + 1))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_holds_a_row_exists(row: list[str]) -> None:
    _, fault, answer, held = row
    assert fault
    named = re.findall(r"`(tests/[^`]+)::(test_[^`]+)`", held)
    assert held.count("`") == 2 * len(named)
    assert named or "no such feature yet" in answer
    assert [(file, name) for file, name in named if name not in names_in(file)] == []
