"""Reading what evaluators write: bare NaN and Infinity, all layouts, and faults as known errors."""

import json
import math
from pathlib import Path

import pytest

from evaluation.ranking.results import read_results
from pairs.errors import TaskError

_PAIR = "0001_0000<--0002_0000"


def _written(folder: Path, text: str) -> Path:
    path = folder / "metrics.json"
    path.write_text(text)
    return path


def test_the_layout_of_evaluator_two_is_read_with_its_bare_tokens(tmp_path: Path) -> None:
    text = (
        '{"name": "Toy", "eval_version": "2.0", "aggregates": {}, "cases": {"0001_0000<--0002_0000": {'
        '"LogJacDetStd": {"mean": 0.1, "detailed": 0.1}, "num_foldings": {"mean": 0.0, "detailed": 0.0},'
        '"DSC": {"mean": 0.5, "detailed": [0.5, NaN]},'
        '"HD95": {"mean": Infinity, "detailed": [Infinity, NaN]},'
        '"TRE_kp": {"mean": 1.0, "detailed": [1.0]}}}}'
    )
    results = read_results(_written(tmp_path, text), "mine")
    entries = results.after[_PAIR]
    assert results.name == "mine"
    assert results.task == "Toy"
    assert set(entries) == {"sdlogj", "dice", "hd95"}
    assert entries["dice"].detailed is not None
    assert entries["dice"].detailed[0] == 0.5
    assert math.isnan(entries["dice"].detailed[1])
    assert entries["hd95"].mean == math.inf
    assert entries["sdlogj"].detailed is None
    assert results.before == {}
    assert results.unranked == {"TRE_kp"}
    assert results.evaluator == "2.0"


def test_scores_before_and_labels_are_read_where_they_are(tmp_path: Path) -> None:
    score = {"mean": 0.4, "detailed": [0.4]}
    document = {
        "name": "Toy",
        "cases": {_PAIR: {"DSC": {"mean": 0.5, "detailed": [0.5]}}},
        "true": {
            "aggregates": {"structures": {"DSC": [{"label": 7, "name": None, "pairs": 1}]}, "other": 1},
            "cases": {_PAIR: {"field": "disp", "before": {"DSC": score}}},
        },
    }
    results = read_results(_written(tmp_path, json.dumps(document)), "mine")
    assert results.before[_PAIR]["dice"].detailed == (0.4,)
    assert results.labels == {"dice": (7,)}


def test_the_layout_of_2021_has_one_number_for_each_case(tmp_path: Path) -> None:
    document = {
        "evaluator": "2021 half resolution",
        "cases": {"0001<--0002": {"DiceCoefficient": 0.5, "HausdorffDistance95": None, "LogJacDetStd": 1}},
    }
    results = read_results(_written(tmp_path, json.dumps(document)), "mine")
    entries = results.after["0001<--0002"]
    assert results.evaluator == "2021"
    assert entries["dice"].mean == 0.5
    assert entries["dice"].detailed is None
    assert math.isnan(entries["hd95"].mean)
    assert entries["sdlogj"].mean == 1


def test_values_of_labels_beside_the_layout_of_2021_are_taken(tmp_path: Path) -> None:
    after = {"DiceCoefficient": {"mean": 0.5, "detailed": [0.4, 0.6]}}
    document = {
        "cases": {"0001<--0002": {"DiceCoefficient": 0.5}},
        "true": {"name": "Toy", "cases": {_PAIR: {"after": after}}},
    }
    results = read_results(_written(tmp_path, json.dumps(document)), "mine")
    assert results.after[_PAIR]["dice"].detailed == (0.4, 0.6)
    assert results.task == "Toy"


@pytest.mark.parametrize("name", ["v2.folding.json", "half2021.folding.json"])
def test_official_files_are_read(shared: Path, name: str) -> None:
    results = read_results(shared / "golden" / "expected" / name, "official")
    assert len(results.after) == 3
    assert all(set(entries) == {"dice", "hd95", "sdlogj"} for entries in results.after.values())


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        '{"cases": {}}',
        '{"task_name": "Toy"}',
        '{"cases": {"a": {"DSC": "much"}}}',
        '{"cases": {"a": {"DSC": {"mean": [1]}}}}',
        '{"cases": {"a": {"DSC": 1' + "0" * 5000 + "}}}",
        "[" * 100_000,
        '{"cases": {"a": 1}}',
        '{"cases": 3}',
    ],
    ids=range(10),
)
def test_other_files_are_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(TaskError, match=r"metrics\.json"):
        read_results(_written(tmp_path, text), "mine")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"absent\.json"):
        read_results(tmp_path / "absent.json", "mine")
