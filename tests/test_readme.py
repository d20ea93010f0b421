"""README.md is true: its lines of Python run after the demo, and the messages that it explains exist."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from studies.demo.taskfolder import DEFAULT_TEMPLATE, write_task
from studies.demo.template import read_template

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "README.md").read_text(encoding="utf-8")
PACKAGES = ("pairs", "pipeline", "evaluation", "transforms")


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.slow
def test_the_lines_of_python_run_and_print_what_is_said(tmp_path: Path) -> None:
    (tmp_path / "weights").symlink_to(ROOT / "weights")
    write_task(tmp_path / "demo" / "task", read_template(DEFAULT_TEMPLATE), 2, 0)
    (block,) = re.findall(r"^```python\n(.*?)^```", section("From Python"), flags=re.MULTILINE | re.DOTALL)
    run = subprocess.run(
        [sys.executable, "-P", "-c", block],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    said = re.findall(r"^print\(.*\)  # (.*?)(?:, float32.*)?$", block, flags=re.MULTILINE)
    assert run.stdout.splitlines() == said


def messages() -> set[str]:
    """Every text in the sources, those with values in them up to the first value."""
    found = set()
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value.strip())
    return found


def test_every_message_that_is_explained_exists() -> None:
    rows = [line for line in section("When something goes wrong").splitlines() if line.startswith("| `")]
    quoted = [row.split("`")[1] for row in rows]
    assert 5 <= len(quoted) <= 8
    known = messages()
    assert [text for text in quoted if text not in known] == []
