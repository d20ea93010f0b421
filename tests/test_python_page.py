"""docs/python.md is true: its code runs as it stands on the demo task, and its table names every function."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import textscf
from studies.demo.taskfolder import DEFAULT_TEMPLATE, write_task
from studies.demo.template import read_template
from textscf.overview import verb_of

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "python.md"


@pytest.mark.slow
def test_the_code_of_the_page_runs(tmp_path: Path) -> None:
    """In a process of its own, as users run it: with every shape checked it would take ten times as long."""
    (tmp_path / "weights").symlink_to(ROOT / "weights")
    write_task(tmp_path / "demo" / "task", read_template(DEFAULT_TEMPLATE), 6, 0)
    run = subprocess.run(
        [sys.executable, "-P", "-m", "doctest", str(PAGE)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, "")
    assert (tmp_path / "demo" / "report.html").is_file()


def test_the_table_names_every_function_and_its_verb() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)\(", row[1])}
    assert named == {name for name in textscf.__all__ if name[0].islower()}
    verbs = [verb for row in rows for verb in re.findall(r"`(\w+)`", row[3])]
    assert [verb for verb in verbs if verb_of([verb]) is None] == []
