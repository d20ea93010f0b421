"""Scores by several workers: those of one process."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clusterprocesses import Start, ended, printed, start_worker
from textscf.program import main

__all__: list[str] = []

pytestmark = pytest.mark.slow


@pytest.fixture
def alone(predict: Callable[..., int], tiny_task: Path, output: Path, tmp_path: Path) -> Path:
    """The scores of one process, of fields of which the last is damaged."""
    assert predict() == 0
    (output / "disp_0008_0006.npz").write_bytes(b"")
    scores = tmp_path / "alone.json"
    assert main(["evaluate", "--task", str(tiny_task), "--fields", str(output), "--json", str(scores)]) == 1
    return scores


def test_the_scores_do_not_depend_on_who_makes_them(
    start: Start, scheduler: str, tiny_task: Path, output: Path, alone: Path, tmp_path: Path
) -> None:
    start_worker(start, scheduler)
    words = ("evaluate", "--task", tiny_task.name, "--fields", output.name, "--json", "spread.json")
    spread, journal = tmp_path / "spread.json", tmp_path / "spread.journal.jsonl"
    run = start("-m", "textscf", *words, "--scheduler", scheduler)
    assert ended(run) == 1, printed(run)
    assert spread.read_bytes() == alone.read_bytes()
    assert journal.read_text().count("\n") == 2
    # The scores that the journal has are not made again.
    (tiny_task / "labelsTr" / "TinyMR_0008_0000.nii.gz").touch()
    lines = journal.read_text().splitlines()
    journal.write_text(f"{lines[0]}\n")
    again = start("-m", "textscf", *words, "--workers", "1")
    assert ended(again) == 1, printed(again)
    assert json.loads(spread.read_bytes()) == json.loads(alone.read_bytes())
    assert sorted(journal.read_text().splitlines()) == sorted(lines)


def test_jobs_are_of_one_process(tiny_task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "--task", str(tiny_task), "--fields", str(tmp_path), "--jobs", "2", "--workers", "2"]
    assert main(words) == 2
    assert "--jobs is of this process alone" in capsys.readouterr().err
