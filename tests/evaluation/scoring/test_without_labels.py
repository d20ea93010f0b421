"""A task without labels: its fields are scored by their regularity, and that is said."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.scoring.case import load_case
from evaluation.scoring.methods import structure_labels
from pairs.errors import VolumeError
from pairs.tasks.task import Task, label_path
from textscf.program import main

__all__: list[str] = []


def test_only_regularity_is_scored(
    tiny_task: Task,
    fields_of: Callable[[Task, float], Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fields, out = fields_of(tiny_task, 0.0), tmp_path / "metrics.json"
    description = tiny_task.root / "Tiny_dataset.json"
    document = json.loads(description.read_text(encoding="utf-8"))
    description.write_text(json.dumps(document | {"labels": {}}), encoding="utf-8")
    for pair in tiny_task.pairs:
        for image in (pair.fixed, pair.moving):
            label_path(image).unlink(missing_ok=True)
    words = ["evaluate", "--task", tiny_task.root, "--fields", fields, "--json", out]
    assert main([str(word) for word in words]) == 0
    assert "Tiny has no labels; only the regularity of its fields is scored" in caplog.text
    cases = json.loads(out.read_text(encoding="utf-8"))["cases"]
    assert len(cases) == 3
    assert {name for case in cases.values() for name in case} == {"LogJacDetStd", "num_foldings"}


def test_labels_that_may_not_be_read_are_faults_of_their_pairs(
    tiny_task: Task,
    fields_of: Callable[[Task, float], Path],
    close_folder: Callable[[Path], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["evaluate", "--task", tiny_task.root, "--fields", fields_of(tiny_task, 0.0)]
    close_folder(tiny_task.root / "labelsTr")
    assert main([str(word) for word in words]) == 1
    told = capsys.readouterr().err
    for subject in (1, 2, 3, 4):
        assert f"labelsTr/Tiny_{subject:04d}_0000.nii.gz; got Permission denied; ask its owner" in told


def test_unnamed_labels_that_may_not_be_read_are_not_taken_for_none(
    tiny_task: Task, close_folder: Callable[[Path], None]
) -> None:
    close_folder(tiny_task.root / "labelsTr")
    with pytest.raises(VolumeError, match=r"volume cannot be read: .*; got Permission denied"):
        structure_labels(replace(tiny_task, label_names={}))


def test_a_mask_that_may_not_be_read_is_not_taken_for_none(
    tiny_task: Task, fields_of: Callable[[Task, float], Path], close_folder: Callable[[Path], None]
) -> None:
    close_folder(tiny_task.root / "masksTr")
    with pytest.raises(VolumeError, match=r"masksTr.*; got Permission denied"):
        load_case(tiny_task.pairs[0], fields_of(tiny_task, 0.0), [], masked=True)
