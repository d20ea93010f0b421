"""The accuracy table, from documents as the evaluator writes them."""

from pathlib import Path

import pytest

from benchmarks.accuracy import Accuracy, render
from pairs.errors import UsageError
from pairs.files.wholefile import write_json
from studies.scores import read_scores

__all__: list[str] = []


def case(dice: float) -> dict[str, dict[str, object]]:
    return {
        "DSC": {"mean": dice, "detailed": [dice, None]},
        "HD95": {"mean": 2.0},
        "LogJacDetStd": {"mean": 0.08},
    }


BEFORE = {
    "before": {"DSC": {"mean": 0.5, "detailed": [0.5, None]}, "HD95": {"mean": 4.0}},
    "fold_fraction": 0.001,
}
DOCUMENT = {
    "name": "Toy",
    "aggregates": {"DSC": {"mean": 0.75}, "HD95": {"mean": 2.0}, "LogJacDetStd": {"mean": 0.08}},
    "cases": {"a": case(0.7), "b": case(0.8)},
    "true": {
        "aggregates": {
            "before": {"DSC": {"mean": 0.5}},
            "sdlogj_plain": {"mean": 0.3},
            "fold_fraction": {"mean": 0.001},
        },
        "cases": {"a": BEFORE, "b": BEFORE},
    },
}


@pytest.fixture
def result(tmp_path: Path) -> Accuracy:
    write_json(tmp_path / "scores.json", DOCUMENT)
    scores = read_scores(tmp_path / "scores.json")
    return Accuracy("toy", scores, scores)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_one_bundle_has_one_row_and_no_comparison(result: Accuracy) -> None:
    header, _, row = render([result]).splitlines()
    assert len(cells(header)) == len(cells(row)) == 10
    assert cells(row)[1:] == [
        "2",
        "0.5000",
        "0.7500",
        "2.000",
        "0.0800",
        "0.3000",
        "0.1000",
        "0.7500",
        "+0.0000",
    ]


def test_further_bundles_are_compared_with_the_first(result: Accuracy) -> None:
    lines = render([result, result]).splitlines()
    assert [cells(line)[-1] for line in lines[2:]] == ["reference", "+0.0000 [+0.0000, +0.0000]"]


def test_a_task_without_labels_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "scores.json", {**DOCUMENT, "aggregates": {"LogJacDetStd": {"mean": 0.08}}})
    with pytest.raises(UsageError, match="labels"):
        read_scores(tmp_path / "scores.json")
