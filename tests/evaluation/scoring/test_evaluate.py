"""Evaluation of a task: known scores, absent and lost structures, and all faults told at once."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.reports.aggregate import summarise
from evaluation.reports.document import as_document
from evaluation.reports.table import render
from evaluation.scoring.evaluate import evaluate_task
from evaluation.scoring.evaluator import EVALUATORS
from evaluation.scoring.methods import default_methods
from evaluation.submission.checker import check_fields
from pairs.errors import GridMismatch, UsageError, VolumeError
from pairs.fields.displacement import write_displacement
from pairs.fields.profile import PROFILES
from pairs.images.volume import read_image, read_labels, write_volume
from pairs.tasks.evaluation_config import Method, read_evaluation_config
from pairs.tasks.task import Task, label_path, read_task

FieldsOf = Callable[[Task, float], Path]


def test_default_metrics_take_the_named_structures(tiny_task: Task) -> None:
    methods = default_methods(tiny_task)
    assert [(method.name, method.labels) for method in methods] == [
        ("LogJacDetStd", ()),
        ("DSC", (1, 2)),
        ("HD95", (1, 2)),
    ]


def test_without_names_the_labels_are_those_of_the_fixed_label_maps(tiny_task: Task) -> None:
    path = tiny_task.root / "Tiny_dataset.json"
    document = json.loads(path.read_text())
    document["labels"] = {"0": {}}
    path.write_text(json.dumps(document))
    assert default_methods(read_task(tiny_task.root))[1].labels == (1, 2)


def test_a_shift_brings_the_slider_home_and_the_box_away(tiny_task: Task, fields_of: FieldsOf) -> None:
    first = evaluate_task(tiny_task, fields_of(tiny_task, 1.0)).scores[0]
    # The box is 4 voxels long: shifted by one, 3 of them overlap.
    assert first.after["DSC"].detailed == pytest.approx((0.75, 1.0))
    assert first.before["DSC"].detailed == pytest.approx((1.0, 0.75))
    assert first.after["HD95"].detailed == pytest.approx((1.0, 0.0))
    assert first.before["HD95"].detailed == pytest.approx((0.0, 1.0))
    assert first.after["DSC"].mean == pytest.approx(0.875)
    assert first.regularity.fold_fraction == 0


def test_a_structure_pushed_out_has_no_overlap_and_infinite_distance(
    tiny_task: Task, fields_of: FieldsOf
) -> None:
    evaluation = evaluate_task(tiny_task, fields_of(tiny_task, 13.0))
    first = evaluation.scores[0]
    assert first.after["DSC"].detailed == (0.0, 0.0)
    assert first.after["HD95"].detailed == (math.inf, math.inf)
    aggregates = as_document(evaluation)["aggregates"]
    assert isinstance(aggregates, dict)
    assert aggregates["HD95"]["mean"] == math.inf
    assert math.isnan(aggregates["HD95"]["std"])
    assert "lost by the warp" in render(evaluation)


def test_a_structure_absent_from_one_image_is_left_out_of_the_mean(
    tiny_task: Task, fields_of: FieldsOf
) -> None:
    path = label_path(tiny_task.pairs[0].moving)
    labels = read_labels(path).array
    write_volume(path, np.where(labels == 2, 0, labels).astype(np.uint8), np.eye(4))
    evaluation = evaluate_task(tiny_task, fields_of(tiny_task, 0.0))
    first = evaluation.scores[0]
    assert math.isnan(np.asarray(first.after["DSC"].detailed)[1])
    assert first.after["DSC"].mean == 1
    assert "box" in render(evaluation)


def test_background_is_scored_only_where_listed(tiny_task: Task, fields_of: FieldsOf, tmp_path: Path) -> None:
    config = _config(tiny_task, tmp_path, [{"name": "D", "metric": "dice", "labels": [0, 1]}])
    scores = evaluate_task(tiny_task, fields_of(tiny_task, 0.0), read_evaluation_config(config)).scores
    assert np.asarray(scores[0].after["D"].detailed)[1] == 1
    assert 0.9 < np.asarray(scores[0].after["D"].detailed)[0] < 1


def test_missing_mask_is_a_warning(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = _config(tiny_task, tmp_path, [{"name": "S", "metric": "sdlogj"}], masked_evaluation=True)
    scores = evaluate_task(tiny_task, fields_of(tiny_task, 0.0), read_evaluation_config(config)).scores
    assert scores[0].after["S"].mean == pytest.approx(0, abs=1e-12)
    assert "no mask" in caplog.text


def test_missing_and_unreadable_fields_are_named_and_the_rest_is_scored(
    tiny_task: Task, fields_of: FieldsOf
) -> None:
    folder = fields_of(tiny_task, 0.0)
    files = sorted(folder.iterdir())
    whole = evaluate_task(tiny_task, folder)
    files[0].unlink()
    files[2].write_bytes(b"no field")
    evaluation = evaluate_task(tiny_task, folder)
    assert list(evaluation.failures) == ["0001_0000<--0002_0000", "0001_0000<--0004_0000"]
    assert "missing" in str(evaluation.failures["0001_0000<--0002_0000"])
    assert files[2].name in str(evaluation.failures["0001_0000<--0004_0000"])
    assert evaluation.scores == whole.scores[1:2]
    assert not whole.failures


def test_labels_of_another_shape_fail_their_pair_by_name(tiny_task: Task, fields_of: FieldsOf) -> None:
    path = label_path(tiny_task.pairs[0].moving)
    write_volume(path, np.ones((14, 12, 15), dtype=np.uint8), np.eye(4))
    (error,) = evaluate_task(tiny_task, fields_of(tiny_task, 0.0)).failures.values()
    assert isinstance(error, GridMismatch)
    assert path.name in str(error)


@pytest.mark.parametrize("shift_mm", [0.002, 40.0])
def test_affines_are_told_and_decide_nothing_as_on_a_host(
    tiny_task: Task, fields_of: FieldsOf, caplog: pytest.LogCaptureFixture, shift_mm: float
) -> None:
    fields = fields_of(tiny_task, 1.0)
    expected = evaluate_task(tiny_task, fields).scores
    assert "affine" not in caplog.text
    shifted = np.eye(4)
    shifted[0, 3] = shift_mm
    path = label_path(tiny_task.pairs[0].fixed)
    write_volume(path, read_labels(path).array, shifted)
    evaluation = evaluate_task(tiny_task, fields)
    assert evaluation.scores == expected
    # The label map of the fixed image is that of all pairs, and told once.
    assert caplog.text.count(f"affine of labelsTr/{path.name} differs") == 1


def test_a_moving_image_with_a_mirrored_affine_is_told(
    tiny_task: Task, fields_of: FieldsOf, caplog: pytest.LogCaptureFixture
) -> None:
    path = tiny_task.pairs[1].moving
    write_volume(path, read_image(path).array, np.diag([-1.0, 1, 1, 1]))
    evaluate_task(tiny_task, fields_of(tiny_task, 0.0))
    assert f"0001_0000<--0003_0000: the axes of imagesTr/{path.name} run LAS" in caplog.text


def test_another_expected_shape_is_refused(tiny_task: Task, fields_of: FieldsOf, tmp_path: Path) -> None:
    config = _config(tiny_task, tmp_path, [{"name": "S", "metric": "sdlogj"}], expected_shape=[14, 12, 20, 3])
    with pytest.raises(VolumeError, match="expected_shape"):
        evaluate_task(tiny_task, fields_of(tiny_task, 0.0), read_evaluation_config(config))


def test_metric_of_another_evaluator_is_left_out(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path
) -> None:
    listed = [{"name": "NDV", "metric": "ndv"}, {"name": "S", "metric": "sdlogj"}]
    config = read_evaluation_config(_config(tiny_task, tmp_path, listed))
    evaluation = evaluate_task(tiny_task, fields_of(tiny_task, 0.0), config)
    assert evaluation.methods == (Method(name="S", metric="sdlogj"),)


def test_quantiles_are_those_of_evaluator_two(tiny_task: Task, fields_of: FieldsOf) -> None:
    evaluation = evaluate_task(tiny_task, fields_of(tiny_task, 0.0))
    aggregates = as_document(evaluation)["aggregates"]
    assert isinstance(aggregates, dict)
    dice = [score.after["DSC"].mean for score in evaluation.scores]
    assert aggregates["DSC"]["30"] == pytest.approx(np.quantile(dice, 0.3))
    assert aggregates["DSC"]["std"] == pytest.approx(np.std(dice))
    assert summarise([0.0, 1.0], 0.7).quantile == pytest.approx(0.7)


def _config(task: Task, folder: Path, methods: list[dict[str, object]], **more: object) -> Path:
    document = {
        "task_name": "Tiny",
        "evaluation_methods": methods,
        "expected_shape": [14, 12, 16, 3],
        "eval_pairs": [
            {"fixed": f"./imagesTr/{pair.fixed.name}", "moving": f"./imagesTr/{pair.moving.name}"}
            for pair in task.pairs
        ],
        "eval_config_version": 0.2,
        **more,
    }
    path = folder / "Tiny_VAL_evaluation_config.json"
    path.write_text(json.dumps(document))
    return path


def _half_fields(task: Task, folder: Path, profile: str) -> Path:
    folder.mkdir()
    for pair in task.pairs:
        write_displacement(folder, pair, np.zeros((14, 12, 16, 3), dtype=np.float32), PROFILES[profile])
    return folder


@pytest.mark.parametrize(
    ("profile", "evaluator", "dice_name"),
    [
        ("l2r2021", "2021", "DiceCoefficient"),
        ("l2r2020-full", "2020", "DiceCoefficient"),
        ("l2r2022", "2.0", "DSC"),
    ],
)
def test_the_evaluator_follows_the_profile_of_the_fields(
    tiny_task: Task, tmp_path: Path, profile: str, evaluator: str, dice_name: str
) -> None:
    evaluation = evaluate_task(tiny_task, _half_fields(tiny_task, tmp_path / "fields", profile))
    assert evaluation.evaluator is EVALUATORS[evaluator]
    assert dice_name in evaluation.scores[0].after
    assert evaluation.scores[0].profile == profile


def test_fields_for_different_evaluators_are_refused_before_any_is_scored(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path
) -> None:
    folder = _half_fields(tiny_task, tmp_path / "fields", "l2r2021")
    (folder / "disp_0001_0003.npz").unlink()
    write_displacement(folder, tiny_task.pairs[1], np.zeros((14, 12, 16, 3)), PROFILES["l2r2022"])
    with pytest.raises(UsageError, match="different evaluators"):
        evaluate_task(tiny_task, folder)
    assert len(evaluate_task(tiny_task, folder, evaluator=EVALUATORS["2.0"]).scores) == 3


@pytest.mark.parametrize("most", ["l2r2021", "l2r2022"])
def test_of_two_fields_of_a_pair_the_one_is_scored_that_check_takes(
    tiny_task: Task, tmp_path: Path, caplog: pytest.LogCaptureFixture, most: str
) -> None:
    folder = _half_fields(tiny_task, tmp_path / "fields", most)
    other = {"l2r2021": "l2r2022", "l2r2022": "l2r2021"}[most]
    pair = tiny_task.pairs[1]
    write_displacement(folder, pair, np.ones((14, 12, 16, 3)), PROFILES[other])
    evaluation = evaluate_task(tiny_task, folder)
    assert {score.profile for score in evaluation.scores} == {most}
    checked = {one.pair.name: one.entry.path for one in check_fields(tiny_task, folder).fields}
    assert {score.name: score.field for score in evaluation.scores} == checked
    assert f"pair {pair.name} has several fields" in caplog.text


def test_structures_are_told_beside_the_official_numbers(tiny_task: Task, fields_of: FieldsOf) -> None:
    one, two = evaluate_task(tiny_task, fields_of(tiny_task, 1.0)).scores[0].structures
    assert (one.label, one.presence, one.dice_before, one.dice) == (1, "both", 1.0, 0.75)
    assert (two.label, two.hd95_mm, two.assd_mm) == (2, 0.0, 0.0)
    lost = evaluate_task(tiny_task, fields_of(tiny_task, 13.0)).scores[0].structures[0]
    assert (lost.presence, lost.dice, lost.hd95_mm) == ("lost", 0.0, math.inf)


def test_the_numbers_do_not_depend_on_the_number_of_jobs(tiny_task: Task, tmp_path: Path) -> None:
    folder = tmp_path / "fields"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for pair in tiny_task.pairs:
        noise = rng.normal(0, 0.7, (14, 12, 16, 3))
        write_displacement(folder, pair, noise, PROFILES["l2r2021"])
    alone, together = (evaluate_task(tiny_task, folder, jobs=jobs).scores for jobs in (1, 4))
    assert together == alone
