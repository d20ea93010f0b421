"""`report`: a page and an exit code; bad input in one line, and nothing half-written."""

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from pairs.tasks.task import Task
from tests.evaluation.htmlreport.conftest import Page
from textscf.program import main

__all__: list[str] = []

Fields = Callable[[Task, float], Path]
Report = Callable[..., Path]
Captured = pytest.CaptureFixture[str]


def error_of(capsys: Captured, *arguments: str | Path) -> tuple[int, str]:
    """The exit code of `report`, and its last line on standard error."""
    code = main(["report", *map(str, arguments)])
    return code, capsys.readouterr().err.strip().splitlines()[-1]


def test_a_task_becomes_one_page(tiny_task: Task, fields_of: Fields, report_of: Report) -> None:
    page = Page(report_of(tiny_task, fields_of(tiny_task, 1.0)).read_text())
    assert page.words["h1"] == ["Registration report: Tiny"]
    assert page.words["h2"] == ["What was run", "Scores", "Warnings", "Pairs", "Method"]
    assert len([one for one in page.all("details") if one.get("class") == "pair"]) == len(tiny_task.pairs)
    # Pair 0001 <- 0002 is 1 voxel off, which the field takes away; for the others it is too little.
    names = [words.split(maxsplit=1)[1] for words in page.words["h3"]]
    assert names[0] == "0001_0000 ← 0004_0000"
    assert names[-1] == "0001_0000 ← 0002_0000"


def test_the_same_fields_give_the_same_bytes(tiny_task: Task, fields_of: Fields, report_of: Report) -> None:
    fields = fields_of(tiny_task, 1.0)
    assert report_of(tiny_task, fields).read_bytes() == report_of(tiny_task, fields).read_bytes()


def test_no_task_folder(tiny_task: Task, fields_of: Fields, tmp_path: Path, capsys: Captured) -> None:
    fields, out = fields_of(tiny_task, 0.0), tmp_path / "r.html"
    code, line = error_of(capsys, "--fields", fields, "--out", out)
    assert code == 2
    assert "--task" in line
    code, line = error_of(capsys, "--task", tmp_path / "gone", "--fields", fields, "--out", out)
    assert code == 2
    assert "gone" in line
    assert not out.exists()


def test_no_folder_of_fields(tiny_task: Task, tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "r.html"
    code, line = error_of(capsys, "--task", tiny_task.root, "--fields", tmp_path / "gone", "--out", out)
    assert (code, out.exists()) == (2, False)
    assert line.startswith("error: no folder of fields")
    (tmp_path / "empty").mkdir()
    code, line = error_of(capsys, "--task", tiny_task.root, "--fields", tmp_path / "empty", "--out", out)
    assert (code, out.exists()) == (1, False)
    assert "none of 3 pairs can be scored" in line


def test_a_missing_field_and_one_of_another_grid_are_named(
    tiny_task: Task, fields_of: Fields, report_of: Report, caplog: pytest.LogCaptureFixture
) -> None:
    fields = fields_of(tiny_task, 0.0)
    first, second, _ = sorted(fields.glob("disp_*"))
    first.unlink()
    nib.save(nib.Nifti1Image(np.zeros((8, 8, 8, 3), np.float32), np.eye(4)), second)
    page = Page(report_of(tiny_task, fields, code=1).read_text())
    assert "0001_0000<--0003_0000" in caplog.text
    table = next(words for words in page.words["table"] if "Not scored" in words)
    assert "0001_0000 ← 0002_0000" in table
    assert "0001_0000 ← 0003_0000" in table
    assert "(8, 8, 8, 3)" in table
    # Folders may name a person or a hospital.
    assert str(fields) not in page.text
    assert str(tiny_task.root) not in page.text
    assert "2 pairs could not be scored" in page.text
    assert len(page.words["h3"]) == 1


def test_a_name_that_is_no_page(tiny_task: Task, fields_of: Fields, tmp_path: Path, capsys: Captured) -> None:
    fields = fields_of(tiny_task, 0.0)
    code, line = error_of(capsys, "--task", tiny_task.root, "--fields", fields, "--out", tmp_path / "r.pdf")
    assert code == 2
    assert "expected a name in .html, got .pdf" in line


def test_no_input_is_replaced(tiny_task: Task, fields_of: Fields, tmp_path: Path, capsys: Captured) -> None:
    fields, pairs = fields_of(tiny_task, 0.0), tmp_path / "pairs.html"
    pairs.write_text("fixed,moving\n1,2\n")
    sources = ("--task", tiny_task.root, "--fields", fields, "--pairs", pairs)
    code, line = error_of(capsys, *sources, "--out", pairs)
    assert code == 2
    assert "output is also an input" in line
    assert pairs.read_text().startswith("fixed")


def test_no_report_of_the_run(tiny_task: Task, fields_of: Fields, report_of: Report) -> None:
    page = Page(report_of(tiny_task, fields_of(tiny_task, 0.0)).read_text())
    assert "there is no report.json beside the fields: nothing is known of how they were made" in page.text
    assert "there is no paragraph to cite" in page.text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "not valid JSON"),
        ("[]", "not a report of predict"),
        (json.dumps({"command": "register"}), "not a report of predict"),
        (json.dumps({"task": "Other", "profile": "a", "device": "cpu", "method": "network"}), "another task"),
        ("\x00\x01", "not valid JSON"),
    ],
)
def test_a_damaged_report_of_the_run_is_left_out(
    tiny_task: Task,
    fields_of: Fields,
    report_of: Report,
    caplog: pytest.LogCaptureFixture,
    content: str,
    told: str,
) -> None:
    fields = fields_of(tiny_task, 0.0)
    (fields / "report.json").write_text(content)
    page = Page(report_of(tiny_task, fields).read_text())
    assert told in page.text
    warnings = [line for line in caplog.messages if told in line]
    assert len(warnings) == 1


def test_hundreds_of_pairs_have_pictures_of_the_hardest_alone(
    tiny_task: Task, fields_of: Fields, report_of: Report
) -> None:
    fields = fields_of(tiny_task, 1.0)
    text = report_of(tiny_task, fields, "--pictures", "1").read_text()
    page = Page(text)
    assert len(page.words["h3"]) == 3
    assert len([one for one in page.all("section") if one.get("class") == "cut"]) == 3
    assert "Pictures are of the first 1; the other 2 have their numbers alone." in text
    assert 'class="cut"' in text.split('<details class="pair"')[1]


def test_an_image_that_is_missing_costs_its_pictures_alone(
    tiny_task: Task, fields_of: Fields, report_of: Report
) -> None:
    fields = fields_of(tiny_task, 1.0)
    tiny_task.pairs[1].moving.unlink()
    page = Page(report_of(tiny_task, fields).read_text())
    assert len(page.words["h3"]) == 3
    assert len([one for one in page.all("section") if one.get("class") == "cut"]) == 6
    (told,) = [words for words in page.words["li"] if "no pictures: " in words]
    assert f": imagesTr/{tiny_task.pairs[1].moving.name}" in told
