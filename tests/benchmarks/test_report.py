"""The benchmark of the page: one row of a table, or the command's own error."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.report import main
from pairs.fields.displacement import write_displacement
from pairs.fields.profile import PROFILES
from pairs.tasks.task import read_task

__all__: list[str] = []

pytestmark = pytest.mark.slow


def test_the_page_has_its_row(shifted_task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    still = np.zeros((48, 48, 48, 3), np.float32)
    write_displacement(tmp_path, read_task(shifted_task).pairs[0], still, PROFILES["l2r2022"])
    assert main(["--task", str(shifted_task), "--fields", str(tmp_path)]) == 0
    header, _, row = capsys.readouterr().out.strip().splitlines()
    assert [cell.strip() for cell in header.strip("|").split("|")][3] == "made in [s]"
    assert [cell.strip() for cell in row.strip("|").split("|")][:2] == ["Toy", "1"]


def test_a_command_that_fails_has_no_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--task", str(tmp_path), "--fields", str(tmp_path)]) == 1
    assert capsys.readouterr().out == ""
