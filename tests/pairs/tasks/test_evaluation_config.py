"""Evaluation configurations of every version come out in one form, and faults come with their field."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pairs.errors import TaskError
from pairs.tasks.evaluation_config import EvaluationConfig, Method, read_evaluation_config

PAIR = {"fixed": "./imagesTr/T_0001_0000.nii.gz", "moving": "./imagesTr/T_0002_0000.nii.gz"}


def config(**changes: object) -> dict[str, Any]:
    document: dict[str, Any] = {
        "task_name": "T",
        "evaluation_methods": [
            {"name": "LogJacDetStd", "metric": "sdlogj"},
            {"name": "DSC", "metric": "dice", "labels": [1, 2]},
            {"name": "HD95", "metric": "hd95", "labels": [2]},
            {"name": "TRE_kp", "metric": "tre", "dest": "keypoints"},
        ],
        "expected_shape": [16, 12, 8, 3],
        "eval_pairs": [PAIR],
        "eval_config_version": "0.3",
    }
    return {key: value for key, value in {**document, **changes}.items() if value is not None}


def read(folder: Path, document: object) -> EvaluationConfig:
    path = folder / "T_VAL_evaluation_config.json"
    path.write_text(json.dumps(document))
    return read_evaluation_config(path)


def faults(folder: Path, document: object) -> tuple[str, ...]:
    with pytest.raises(TaskError) as caught:
        read(folder, document)
    return caught.value.faults


def test_list_form(tmp_path: Path) -> None:
    result = read(tmp_path, config())
    assert result.task_name == "T"
    assert [(m.name, m.metric, m.labels, m.dest) for m in result.methods] == [
        ("LogJacDetStd", "sdlogj", (), None),
        ("DSC", "dice", (1, 2), None),
        ("HD95", "hd95", (2,), None),
        ("TRE_kp", "tre", (), "keypoints"),
    ]
    assert result.expected_shape == (16, 12, 8)
    assert result.eval_pairs[0].fixed == PAIR["fixed"]
    assert (result.version, result.masked, result.warnings) == ("0.3", False, ())


@pytest.mark.parametrize(
    ("number", "text"), [(0.1, "0.1"), (0.2, "0.2"), (0.3, "0.3"), (0.0, "0.0"), ("0.3", "0.3")]
)
def test_version_is_a_number_in_the_official_files(tmp_path: Path, number: object, text: str) -> None:
    assert read(tmp_path, config(eval_config_version=number)).version == text


def test_dict_form_of_version_01(tmp_path: Path) -> None:
    methods = {
        "sdlogj": True,
        "dice": [1],
        "dice_secret": [1, 2],
        "hd95": [1],
        "hd95_secret": [2],
        "tre": True,
    }
    result = read(tmp_path, config(evaluation_methods=methods, eval_config_version=0.1))
    assert [(m.name, m.metric, m.labels) for m in result.methods] == [
        ("LogJacDetStd", "sdlogj", ()),
        ("DiceCoefficient", "dice", (1,)),
        ("DiceCoefficient_Secret", "dice", (1, 2)),
        ("HausdorffDistance95", "hd95", (1,)),
        ("HausdorffDistance95_Secret", "hd95", (2,)),
        ("TRE", "tre", ()),
    ]
    assert result.methods[-1].dest == "landmarks"


def test_metric_switched_off_in_version_01_is_left_out(tmp_path: Path) -> None:
    result = read(tmp_path, config(evaluation_methods={"sdlogj": True, "tre": False}))
    assert [method.metric for method in result.methods] == ["sdlogj"]


def test_lumir_form(tmp_path: Path) -> None:
    methods = [{"name": "Non-diffeomorphic Volumes", "metric": "ndv"}]
    result = read(
        tmp_path, config(task_name=None, name="LUMIR", evaluation_methods=methods, masked_evaluation=False)
    )
    assert result.task_name == "LUMIR"
    assert result.methods[0].metric == "ndv"


def test_masked_and_without_shape(tmp_path: Path) -> None:
    result = read(tmp_path, config(masked_evaluation=True, expected_shape=None))
    assert result.masked
    assert result.expected_shape is None


def test_background_may_be_listed(tmp_path: Path) -> None:
    methods = [{"name": "DSC", "metric": "dice", "labels": [0, 1]}]
    assert read(tmp_path, config(evaluation_methods=methods)).methods[0].labels == (0, 1)


def test_unknown_key_is_a_warning(tmp_path: Path) -> None:
    assert read(tmp_path, config(organiser_note="x")).warnings == ("unknown key 'organiser_note' ignored",)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"evaluation_methods": [{"name": "X", "metric": "mse"}]}, "evaluation_methods[0].metric"),
        ({"evaluation_methods": [{"name": "X", "metric": "dice"}]}, "evaluation_methods[0].labels"),
        ({"evaluation_methods": [{"name": "X", "metric": "tre"}]}, "evaluation_methods[0].dest"),
        (
            {"evaluation_methods": [{"name": "X", "metric": "tre", "dest": "../x"}]},
            "evaluation_methods[0].dest",
        ),
        (
            {"evaluation_methods": [{"name": "X", "metric": "dice", "labels": ["1"]}]},
            "evaluation_methods[0].labels[0]",
        ),
        (
            {"evaluation_methods": [{"name": "X", "metric": "dice", "labels": [-1]}]},
            "evaluation_methods[0].labels[0]",
        ),
        (
            {"evaluation_methods": [{"name": "X", "metric": "sdlogj", "spacing": 2}]},
            "evaluation_methods[0].spacing",
        ),
        ({"evaluation_methods": []}, "evaluation_methods"),
        ({"evaluation_methods": {"mse": True}}, "evaluation_methods[0].metric"),
        ({"expected_shape": [16, 12]}, "expected_shape"),
        ({"expected_shape": [16, 12, 8, 4]}, "expected_shape[3]"),
        ({"expected_shape": [16, 0, 8, 3]}, "expected_shape[1]"),
        ({"eval_pairs": [{"fixed": 1, "moving": "x"}]}, "eval_pairs[0].fixed"),
        ({"eval_pairs": [{"fixed": "x"}]}, "eval_pairs[0].moving"),
        ({"eval_pairs": None}, "eval_pairs"),
        ({"masked_evaluation": "yes"}, "masked_evaluation"),
    ],
)
def test_fault_names_its_field(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    document = config()
    document.update(changes)
    document = {key: value for key, value in document.items() if value is not None}
    assert any(fault.startswith(f"{words}:") for fault in faults(tmp_path, document))


def test_two_methods_of_one_name_are_refused(tmp_path: Path) -> None:
    methods = [{"name": "A", "metric": "sdlogj"}, {"name": "A", "metric": "ndv"}]
    assert "twice" in faults(tmp_path, config(evaluation_methods=methods))[0]


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    document = config(expected_shape=[1], eval_pairs=[{"fixed": 1, "moving": 2}], masked_evaluation="no")
    assert len(faults(tmp_path, document)) == 4


@pytest.mark.parametrize("document", [[], "x", 1, None])
def test_other_json_is_refused(tmp_path: Path, document: object) -> None:
    assert "the document" in faults(tmp_path, document)[0]


def test_result_is_closed_and_frozen() -> None:
    with pytest.raises(ValidationError):
        Method.model_validate({"name": "A", "metric": "sdlogj", "more": 1})
    method = Method(name="A", metric="sdlogj")
    with pytest.raises(ValidationError):
        method.name = "B"  # type: ignore[misc]


@pytest.mark.parametrize("task", ["HippocampusMR", "AbdomenMRMR", "OASIS", "AbdomenCTCT"])
def test_real_configurations(shared: Path, task: str) -> None:
    result = read_evaluation_config(shared / "data" / task / f"{task}_VAL_evaluation_config.json")
    assert result.task_name == task
    assert [method.metric for method in result.methods] == ["sdlogj", "dice", "hd95"]
    assert result.expected_shape is not None
    assert result.warnings == ()


def test_golden_configurations(shared: Path) -> None:
    masked = read_evaluation_config(shared / "golden" / "Toy_VAL_evaluation_config_masked.json")
    assert masked.masked
    assert masked.warnings == ()
    assert not read_evaluation_config(shared / "golden" / "Toy_VAL_evaluation_config.json").masked
