"""The verb `evaluate` as a user types it: its scores, its choices, and how it ends."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.scoring import command
from evaluation.scoring.evaluate import Evaluation
from pairs.fields.displacement import write_displacement
from pairs.fields.profile import PROFILES
from pairs.images.volume import read_labels, write_volume
from pairs.tasks.task import Task, label_path
from textscf.program import main

FieldsOf = Callable[[Task, float], Path]

_CASE = "0001_0000<--0002_0000"


def _arguments(task: Task, fields: Path, *more: object) -> list[str]:
    return ["evaluate", "--task", str(task.root), "--fields", str(fields), *map(str, more)]


def test_it_writes_json_and_prints_a_table(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "metrics.json"
    assert main(_arguments(tiny_task, fields_of(tiny_task, 1.0), "--json", out)) == 0
    table = capsys.readouterr().out
    assert table.startswith("Tiny: 3 pairs, fields in profile l2r2022, evaluator 2.0\n")
    assert "1 box" in table
    assert "2 slider" in table
    document = json.loads(out.read_text())
    assert list(document) == ["name", "aggregates", "cases", "eval_version", "true"]
    assert list(document["cases"][_CASE]) == ["LogJacDetStd", "num_foldings", "DSC", "HD95"]
    assert document["true"]["cases"][_CASE]["before"]["HD95"]["detailed"] == [0.0, 1.0]
    # The journal of the run is gone with the run.
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("metrics")] == ["metrics.json"]


@pytest.mark.parametrize(
    ("evaluator", "first"), [("2.0", "name"), ("2023", "name"), ("2021", "evaluator"), ("2020", "evaluator")]
)
def test_the_evaluator_can_be_chosen(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path, evaluator: str, first: str
) -> None:
    out = tmp_path / "metrics.json"
    fields = fields_of(tiny_task, 0.0)
    assert main(_arguments(tiny_task, fields, "--json", out, "--evaluator", evaluator)) == 0
    document = json.loads(out.read_text())
    assert next(iter(document)) == first
    assert document["true"]["evaluator"] == evaluator


def test_half_resolution_fields_get_the_evaluator_of_2021(tiny_task: Task, tmp_path: Path) -> None:
    out, folder = tmp_path / "metrics.json", tmp_path / "half"
    folder.mkdir()
    for pair in tiny_task.pairs:
        write_displacement(folder, pair, np.zeros((14, 12, 16, 3), np.float32), PROFILES["l2r2021"])
    assert main(_arguments(tiny_task, folder, "--json", out)) == 0
    document = json.loads(out.read_text())
    assert document["evaluator"] == "2021 half resolution"
    assert set(document["cases"]["0001<--0002"]) == {
        "LogJacDetStd",
        "DiceCoefficient",
        "HausdorffDistance95",
    }


@pytest.mark.parametrize(
    ("evaluator", "profile", "unread"),
    [
        ("2.0", "l2r2021", True),
        ("2021", "l2r2022", True),
        ("2020", "l2r2022", True),
        ("2023", "l2r2020-full", True),
        ("2.0", "l2r2022", False),
        ("2020", "l2r2021", False),
    ],
)
def test_fields_that_the_evaluator_would_refuse_are_scored_with_a_note(
    tiny_task: Task,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    evaluator: str,
    profile: str,
    unread: bool,
) -> None:
    out, folder = tmp_path / "metrics.json", tmp_path / "fields"
    folder.mkdir()
    for pair in tiny_task.pairs:
        write_displacement(folder, pair, np.zeros((14, 12, 16, 3), np.float32), PROFILES[profile])
    assert main(_arguments(tiny_task, folder, "--evaluator", evaluator, "--json", out)) == 0
    note = f"evaluator {evaluator} does not read fields in profile {profile}"
    assert (note in caplog.text) == unread
    assert (f"note: {note}" in capsys.readouterr().out) == unread
    assert json.loads(out.read_text())["true"]["unread_profiles"] == ([profile] if unread else [])


def test_what_the_evaluator_leaves_out_is_told(
    shared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    golden, out = shared / "golden", tmp_path / "metrics.json"
    config = golden / "Toy_VAL_evaluation_config.json"
    sources = ["--task", golden / "data", "--config", config, "--fields"]
    assert main(["evaluate", *map(str, [*sources, golden / "half" / "const", "--json", out])]) == 0
    assert "evaluator 2021 does not report TRE_kp" in caplog.text
    document = json.loads(out.read_text())
    assert "TRE_kp" not in document["aggregates"]
    assert document["true"]["cases"]["0001<--0002"]["after"]["TRE_kp"]["mean"] == pytest.approx(0, abs=1e-3)
    caplog.clear()
    assert main(["evaluate", *map(str, [*sources, golden / "full_nii" / "const"])]) == 0
    assert "does not report" not in caplog.text


def test_the_journal_lies_beside_the_json(
    tiny_task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = _record(monkeypatch)
    out = tmp_path / "out.json"
    assert main(_arguments(tiny_task, tmp_path, "--json", out, "--jobs", 2, "--from", "itk")) == 75
    assert seen["journal"] == tmp_path / "out.journal.jsonl"
    assert seen["jobs"] == 2
    assert seen["tool"] == "itk"
    assert seen["evaluator"] is None


def test_a_stopped_run_says_how_it_goes_on(
    tiny_task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = _record(monkeypatch)
    assert main(_arguments(tiny_task, tmp_path)) == 75
    assert seen["journal"] is None
    assert main(_arguments(tiny_task, tmp_path, "--json", tmp_path / "out.json")) == 75
    assert "continues from" in capsys.readouterr().err


def _record(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Puts in place of the scoring what notes its arguments and is stopped by the user."""
    seen: dict[str, Any] = {}

    def stopped(*positional: object, **named: object) -> Evaluation:
        seen.update(named)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "evaluate", stopped)
    return seen


@pytest.mark.parametrize("more", [["--evaluator", "1999"], ["--from", "voxelmorph"], ["--jobs", "0"]])
def test_unknown_choices_are_usage_errors(
    tiny_task: Task, tmp_path: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_arguments(tiny_task, tmp_path, *more)) == 2
    assert more[0] in capsys.readouterr().err


@pytest.mark.parametrize("evaluator", ["2.0", "2021"])
def test_a_pair_that_cannot_be_scored_is_told_and_in_no_mean(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path, capsys: pytest.CaptureFixture[str], evaluator: str
) -> None:
    fields, out = fields_of(tiny_task, 0.0), tmp_path / "metrics.json"
    label = label_path(tiny_task.pairs[2].moving)
    whole = label.read_bytes()
    label.write_bytes(b"damaged")
    options = ("--json", out, "--csv", tmp_path / "a.csv", "--evaluator", evaluator)
    assert main(_arguments(tiny_task, fields, *options)) == 1
    document = json.loads(out.read_text())
    assert len(document["cases"]) == 2
    (failed,) = document["true"]["failed"].items()
    assert failed[0] == "0001_0000<--0004_0000"
    assert "0004" in failed[1]
    captured = capsys.readouterr()
    assert "not scored, and not in the means: 1 of 3 pairs" in captured.out
    assert "0004" not in (tmp_path / "a.csv").read_text()
    # What was scored is kept for the call after the repair.
    assert len((tmp_path / "metrics.journal.jsonl").read_text().splitlines()) == 2
    label.write_bytes(whole)
    assert main(_arguments(tiny_task, fields, *options)) == 0
    assert not (tmp_path / "metrics.journal.jsonl").exists()


def test_the_pairs_are_those_of_pairs_and_the_metrics_those_of_config(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fields, pairs, out = fields_of(tiny_task, 0.0), tmp_path / "pairs.csv", tmp_path / "metrics.json"
    pairs.write_text("fixed,moving\n1,3\n")
    assert main(_arguments(tiny_task, fields, "--pairs", pairs, "--json", out)) == 0
    assert list(json.loads(out.read_text())["cases"]) == ["0001_0000<--0003_0000"]
    config = tmp_path / "Tiny_VAL_evaluation_config.json"
    listed = {"fixed": "./imagesTr/Tiny_0001_0000.nii.gz", "moving": "./imagesTr/Tiny_0002_0000.nii.gz"}
    methods = [{"name": "D", "metric": "dice", "labels": [1]}]
    config.write_text(json.dumps({"evaluation_methods": methods, "eval_pairs": [listed]}))
    assert main(_arguments(tiny_task, fields, "--pairs", pairs, "--config", config, "--json", out)) == 0
    cases = json.loads(out.read_text())["cases"]
    assert {name: list(case) for name, case in cases.items()} == {"0001_0000<--0003_0000": ["D"]}


@pytest.mark.parametrize("evaluator", ["2.0", "2023", "2021", "2020"])
def test_a_single_pair_without_shared_structures_is_scored(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path, evaluator: str
) -> None:
    fields = fields_of(tiny_task, 0.0)
    document = json.loads((tiny_task.root / "Tiny_dataset.json").read_text())
    document["registration_val"] = document["registration_val"][:1]
    (tiny_task.root / "Tiny_dataset.json").write_text(json.dumps(document))
    moving = label_path(tiny_task.pairs[0].moving)
    write_volume(moving, np.zeros_like(read_labels(moving).array), np.eye(4))
    out = tmp_path / "metrics.json"
    more = ("--json", out, "--csv", tmp_path / "a.csv", "--evaluator", evaluator)
    assert main(_arguments(tiny_task, fields, *more)) == 0
    aggregates = json.loads(out.read_text())["aggregates"]
    name = "DSC" if evaluator in ("2.0", "2023") else "DiceCoefficient"
    assert all(math.isnan(value) for value in aggregates[name].values())
    assert aggregates["LogJacDetStd"]["mean"] == pytest.approx(0, abs=1e-12)


def test_label_maps_of_floats_are_scored_and_fractions_refused(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = fields_of(tiny_task, 0.0)
    path = label_path(tiny_task.pairs[0].fixed)
    labels = read_labels(path).array.astype(np.float32)
    write_volume(path, labels, np.eye(4))
    assert main(_arguments(tiny_task, fields)) == 0
    labels[3, 3, 4] = 1.5
    write_volume(path, labels, np.eye(4))
    assert main(_arguments(tiny_task, fields)) == 1
    assert path.name in capsys.readouterr().err
