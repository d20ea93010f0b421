"""What `evaluate` writes, what it refuses to write, and what a failure to write costs."""

import csv
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.scoring import command
from pairs.errors import OutputError
from pairs.tasks.task import Task
from textscf.program import main

pytestmark = pytest.mark.slow

FieldsOf = Callable[[Task, float], Path]


def _arguments(task: Task, fields: Path, *more: object) -> list[str]:
    return ["evaluate", "--task", str(task.root), "--fields", str(fields), *map(str, more)]


def _no_constants(text: str) -> float:
    raise ValueError(f"not strict JSON: {text}")


def test_strict_json_can_be_read_by_strict_parsers(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path
) -> None:
    out = tmp_path / "metrics.json"
    # So large a shift pushes everything out: Dice 0, HD95 infinite.
    fields = fields_of(tiny_task, 13.0)
    assert main(_arguments(tiny_task, fields, "--json", out)) == 0
    assert json.loads(out.read_text())["aggregates"]["HD95"]["mean"] == math.inf
    assert main(_arguments(tiny_task, fields, "--json", out, "--strict-json")) == 0
    document = json.loads(out.read_text(), parse_constant=_no_constants)
    assert document["aggregates"]["HD95"]["mean"] is None
    assert {"path": "/aggregates/HD95/mean", "was": "Infinity"} in document["nonfinite"]


def test_csv_has_a_row_for_each_structure(tiny_task: Task, fields_of: FieldsOf, tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    assert main(_arguments(tiny_task, fields_of(tiny_task, 1.0), "--csv", out)) == 0
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 6
    assert (rows[1]["structure"], rows[1]["dice_before"], rows[1]["dice"]) == ("slider", "0.75", "1.0")


def test_a_picture_is_drawn_on_request(tiny_task: Task, fields_of: FieldsOf, tmp_path: Path) -> None:
    out = tmp_path / "plot.png"
    assert main(_arguments(tiny_task, fields_of(tiny_task, 1.0), "--plot", out)) == 0
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_closed_pipe_ends_quietly_and_costs_no_file(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path
) -> None:
    out = tmp_path / "plot.png"
    arguments = _arguments(tiny_task, fields_of(tiny_task, 1.0), "--plot", out)
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "textscf", *arguments],
            cwd=Path(command.__file__).parents[2],
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    assert out.is_file()


@pytest.mark.parametrize(("output", "writer"), [("--json", "write_json"), ("--csv", "write_spreadsheet")])
def test_a_full_disk_costs_no_score(
    tiny_task: Task,
    fields_of: FieldsOf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    output: str,
    writer: str,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OutputError("cannot write", got="No space left on device")

    out, journal = tmp_path / "out.json", tmp_path / "out.journal.jsonl"
    arguments = _arguments(tiny_task, fields_of(tiny_task, 1.0), "--json", out)
    if output != "--json":
        arguments += [output, str(tmp_path / "out.csv")]
    with monkeypatch.context() as patch:
        patch.setattr(command, writer, full)
        assert main(arguments) == 5
    assert len(journal.read_text().splitlines()) == len(tiny_task.pairs)
    monkeypatch.setattr(
        "evaluation.scoring.pairscoring.score_pair", lambda *_, **__: pytest.fail("scored again")
    )
    assert main(arguments) == 0
    assert out.is_file()
    assert not journal.exists()


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--strict-json"], "--json"),
        (["--json", "{0}/a", "--csv", "{0}/a"], "another output"),
        (["--csv", "{0}/x/../a", "--plot", "{0}/a"], "another output"),
    ],
)
def test_bad_outputs_are_refused_before_the_scoring(
    tiny_task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], word: str
) -> None:
    more = [part.format(tmp_path) for part in more]
    assert main(_arguments(tiny_task, tmp_path / "nowhere", *more)) == 2
    assert word in capsys.readouterr().err


def test_inputs_are_never_written_over(
    tiny_task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "Tiny_VAL_evaluation_config.json"
    config.write_text("{}")
    assert main(_arguments(tiny_task, tmp_path, "--config", config, "--json", config)) == 2
    assert "also an input" in capsys.readouterr().err
    assert config.read_text() == "{}"


@pytest.mark.parametrize("option", ["--json", "--csv"])
@pytest.mark.parametrize("name", ["Tiny_dataset.json", "labelsTr/Tiny_0001_0000.nii.gz"])
def test_files_of_the_task_and_fields_are_never_written_over(
    tiny_task: Task, fields_of: FieldsOf, capsys: pytest.CaptureFixture[str], option: str, name: str
) -> None:
    fields = fields_of(tiny_task, 0.0)
    for path in (tiny_task.root / name, next(fields.glob("disp_*"))):
        before = path.read_bytes()
        assert main(_arguments(tiny_task, fields, option, path)) == 2
        assert "also an input" in capsys.readouterr().err
        assert path.read_bytes() == before


def test_a_folder_in_place_of_a_file_is_refused_before_the_scoring(tiny_task: Task, tmp_path: Path) -> None:
    assert main(_arguments(tiny_task, tmp_path / "nowhere", "--json", tmp_path)) == 5


def test_with_missing_fields_nothing_is_written(
    tiny_task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, out = tmp_path / "empty", tmp_path / "metrics.json"
    empty.mkdir()
    assert main(_arguments(tiny_task, empty, "--json", out, "--csv", tmp_path / "a.csv")) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "none of 3 pairs" in captured.err
    assert not out.exists()
    assert not (tmp_path / "a.csv").exists()
