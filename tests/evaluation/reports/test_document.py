"""The JSON layouts of the evaluators, and the strict form without NaN and infinity."""

import json
import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from evaluation.reports.document import as_document
from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.evaluator import EVALUATORS
from pairs.tasks.evaluation_config import Method

KnownEvaluation = Callable[[str], Evaluation]

_CASE = "0001_0000<--0003_0000"


def _part(document: dict[str, object], *keys: str) -> dict[str, object]:
    part: object = document
    for key in keys:
        assert isinstance(part, dict)
        part = part[key]
    assert isinstance(part, dict)
    return part


def test_layout_of_2_0(known_evaluation: KnownEvaluation) -> None:
    document = as_document(known_evaluation("2.0"))
    assert list(document) == ["name", "aggregates", "cases", "eval_version", "true"]
    assert list(_part(document, "aggregates")) == ["LogJacDetStd", "DSC", "HD95", "TRE_kp"]
    case = _part(document, "cases", _CASE)
    assert list(case) == ["LogJacDetStd", "num_foldings", "DSC", "HD95", "TRE_kp"]
    assert case["num_foldings"] == {"mean": 0.0, "detailed": 0.0}
    assert case["LogJacDetStd"] == {"mean": 0.1, "detailed": 0.1}
    assert case["TRE_kp"] == {"mean": 1.5, "detailed": [1.0, 2.0]}


def test_2023_still_aggregates_the_foldings(known_evaluation: KnownEvaluation) -> None:
    document = as_document(known_evaluation("2023"))
    assert _part(document, "aggregates", "num_foldings") == {"mean": 0.0, "std": 0.0, "30": 0.0}
    # NaN differs from itself, its text does not.
    newest = as_document(known_evaluation("2.0"))
    assert json.dumps(document["cases"]) == json.dumps(newest["cases"])
    assert list(_part(newest, "aggregates")) == ["LogJacDetStd", "DSC", "HD95", "TRE_kp"]


@pytest.mark.parametrize(("evaluator", "title"), [("2021", "2021 half resolution"), ("2020", "2020")])
def test_layout_of_the_early_evaluators(
    known_evaluation: KnownEvaluation, evaluator: str, title: str
) -> None:
    document = as_document(known_evaluation(evaluator))
    assert list(document) == ["evaluator", "cases", "aggregates", "true"]
    assert document["evaluator"] == title
    assert list(_part(document, "cases")) == ["0001<--0002", "0001<--0003", "0001<--0004"]
    case = _part(document, "cases", "0001<--0003")
    assert case == pytest.approx({"LogJacDetStd": 0.1, "DiceCoefficient": 0.65, "HausdorffDistance95": 2.5})
    assert list(_part(document, "aggregates")) == ["LogJacDetStd", "DiceCoefficient", "HausdorffDistance95"]


def test_what_2021_leaves_out_is_under_true(known_evaluation: KnownEvaluation) -> None:
    case = _part(as_document(known_evaluation("2021")), "true", "cases", "0001<--0003", "after")
    assert case["TRE_kp"] == {"mean": 1.5, "detailed": [1.0, 2.0]}


def test_2021_reports_points_asked_for_in_the_oldest_form(known_evaluation: KnownEvaluation) -> None:
    evaluation = known_evaluation("2021")
    methods = (*evaluation.methods[:3], Method(name="TRE", metric="tre", dest="landmarks"))
    scores = tuple(
        replace(score, after={**score.after, "TRE": score.after["TRE_kp"]}) for score in evaluation.scores
    )
    document = as_document(replace(evaluation, methods=methods, scores=scores))
    assert _part(document, "cases", "0001<--0003")["TRE"] == 1.5
    assert _part(document, "aggregates", "TRE")["mean"] == 1.5


def test_early_aggregates_leave_a_pair_without_structures_out(known_evaluation: KnownEvaluation) -> None:
    dice = _part(as_document(known_evaluation("2021")), "aggregates", "DiceCoefficient")
    assert dice == pytest.approx({"mean": 0.525, "std": math.sqrt(0.03125), "30": 0.475})
    assert math.isnan(_value(_part(as_document(known_evaluation("2.0")), "aggregates", "DSC")["mean"]))


def test_a_lost_structure_makes_the_aggregated_distance_infinite(known_evaluation: KnownEvaluation) -> None:
    for evaluator, name in (("2021", "HausdorffDistance95"), ("2020", "HausdorffDistance95")):
        summary = _part(as_document(known_evaluation(evaluator)), "aggregates", name)
        assert summary["mean"] == math.inf
        assert math.isnan(_value(summary["std"]))


def test_short_names_that_would_coincide_are_written_in_full(known_evaluation: KnownEvaluation) -> None:
    evaluation = known_evaluation("2021")
    first, second, third = evaluation.scores
    scores = (first, replace(second, name="0001_0000<--0002_0001"), third)
    document = as_document(replace(evaluation, scores=scores))
    names = ["0001_0000<--0002_0000", "0001_0000<--0002_0001", "0001<--0004"]
    assert list(_part(document, "cases")) == names
    assert list(_part(document, "true", "cases")) == names


@pytest.mark.parametrize("evaluator", list(EVALUATORS))
def test_strict_form_is_strict_json_and_names_what_it_replaced(
    known_evaluation: KnownEvaluation, evaluator: str
) -> None:
    loose = as_document(known_evaluation(evaluator))
    strict = as_document(known_evaluation(evaluator), strict=True)
    again = json.loads(json.dumps(strict, allow_nan=False))
    assert list(again) == [*loose, "nonfinite"]
    assert {entry["was"] for entry in again["nonfinite"]} == {"NaN", "Infinity"}
    for entry in again["nonfinite"]:
        was, now = _at(loose, entry["path"]), _at(again, entry["path"])
        assert isinstance(was, float)
        assert json.dumps(was) == entry["was"]
        assert now is None
    assert json.dumps(loose).count("NaN") + json.dumps(loose).count("Infinity") == len(again["nonfinite"])


def test_pointers_escape_the_names_of_metrics(known_evaluation: KnownEvaluation) -> None:
    evaluation = known_evaluation("2.0")
    method = evaluation.methods[1].model_copy(update={"name": "a/b~c"})
    scores = tuple(
        replace(
            score,
            after={"a/b~c": score.after["DSC"]},
            before={"a/b~c": score.before["DSC"]},
        )
        for score in evaluation.scores
    )
    strict = as_document(replace(evaluation, methods=(method,), scores=scores), strict=True)
    paths = [entry["path"] for entry in _list(strict["nonfinite"])]
    assert "/aggregates/a~1b~0c/mean" in paths


def _value(value: object) -> float:
    assert isinstance(value, float)
    return value


def _list(value: object) -> list[dict[str, str]]:
    assert isinstance(value, list)
    return value


def _at(document: object, pointer: str) -> object:
    part = document
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        part = part[int(key)] if isinstance(part, list) else part[key] if isinstance(part, dict) else None
    return part
