"""`reproduce complexity`: every backbone is there, the claim holds, the files are whole."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.network.backbones.registry import BACKBONES
from studies.complexity import claim_table
from textscf.program import main

__all__: list[str] = []

pytestmark = pytest.mark.slow


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def rows(told: str) -> Iterator[dict[str, str]]:
    """The first table of what was printed."""
    lines = [cells(line) for line in told.split("\n\n")[0].splitlines()]
    return (dict(zip(lines[0], line, strict=True)) for line in lines[2:])


def test_every_backbone_with_and_without_filters_at_both_sizes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made" / "complexity.csv"
    assert main(["reproduce", "complexity", "--start-channels", "8", "--csv", str(out)]) == 0
    told = capsys.readouterr().out
    table = list(rows(told))
    found = {(row["backbone"], row["head"], row["task"]) for row in table}
    assert found == {
        (name, head, task)
        for name in BACKBONES
        for head in ("plain", "text")
        for task in ("AbdomenCTCT", "OASIS")
    }
    wanted = {"backbone": "lkunet", "Ns": "8", "head": "plain", "task": "OASIS", "F": "80x96x112"}
    (half,) = [row for row in table if wanted.items() <= row.items()]
    assert (half["parameters"], half["multi-adds as published [G]"]) == ("2066963", "128.584")
    assert "As published: the branches of a large-kernel block one by one" in told
    with out.open(newline="") as file:
        assert [list(row) for row in csv.reader(file)][1:] == [list(row.values()) for row in table]


def test_the_papers_claim() -> None:
    told = claim_table()
    lines = {cells(line)[0]: cells(line)[1:] for line in told.splitlines() if line.startswith("|")}
    assert lines["LapIRN, Ns = 32"][::2] == ["19045248", "2219.293"]
    full = lines["textSCF, Ns = 8, full-resolution decoder"]
    assert full == ["2087017", "89.04", "36.770", "98.34"]
    assert lines["textSCF, Ns = 8, half-resolution decoder"][1] == "89.14"
    assert "full-resolution decoder is within 0.15 points of both" in told
    assert "half-resolution decoder is within" not in told


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["table9"], "invalid choice: 'table9' (choose from"),
        (["complexity", "--start-channels", "0"], "expected positive widths"),
        (["complexity", "--start-channels", "x"], "invalid int value"),
    ],
)
def test_bad_arguments_are_told_in_one_line(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", *words]) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert line in error
