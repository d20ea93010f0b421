"""The CSV file: its rows, its numbers, and cells that a spreadsheet program would run."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.reports.spreadsheet import COLUMNS, write_spreadsheet
from evaluation.scoring.evaluate import Evaluation
from pairs.errors import OutputError

KnownEvaluation = Callable[[str], Evaluation]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_each_structure_of_each_pair_has_a_row(known_evaluation: KnownEvaluation, tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    write_spreadsheet(known_evaluation("2.0"), path)
    rows = _rows(path)
    assert list(rows[0]) == [*COLUMNS, "TRE_kp_before_mm", "TRE_kp_mm"]
    assert [(row["pair"][-9:-5], row["label"]) for row in rows] == [
        (moving, label) for moving in ("0002", "0003", "0004") for label in "123"
    ]
    assert list(path.parent.iterdir()) == [path]


def test_a_row_holds_the_numbers_of_structure_and_pair(
    known_evaluation: KnownEvaluation, tmp_path: Path
) -> None:
    write_spreadsheet(known_evaluation("2.0"), tmp_path / "scores.csv")
    row = _rows(tmp_path / "scores.csv")[4]
    assert row == {
        "pair": "0001_0000<--0003_0000",
        "field": "disp_0001_0000<--0003_0000.nii.gz",
        "profile": "l2r2022",
        "evaluator": "2.0",
        "label": "2",
        "structure": "two",
        "presence": "both",
        "dice_before": "0.9",
        "dice": "0.7",
        "hd95_before_vox": "8.0",
        "hd95_vox": "3.0",
        "hd95_mm": "6.0",
        "assd_mm": "2.5",
        "sdlogj": "0.1",
        "sdlogj_plain": "0.4",
        "fold_fraction": "0.02",
        "ndv_fraction": "0.01",
        "TRE_kp_before_mm": "5.0",
        "TRE_kp_mm": "1.5",
    }


def test_nan_is_empty_and_infinity_is_inf(known_evaluation: KnownEvaluation, tmp_path: Path) -> None:
    write_spreadsheet(known_evaluation("2.0"), tmp_path / "scores.csv")
    absent, lost = _rows(tmp_path / "scores.csv")[1:3]
    assert (absent["presence"], absent["dice"], absent["hd95_vox"]) == ("absent_fixed", "", "")
    assert (lost["presence"], lost["dice"], lost["hd95_vox"]) == ("lost", "0.0", "inf")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r="])
def test_no_cell_begins_as_a_formula(known_evaluation: KnownEvaluation, tmp_path: Path, start: str) -> None:
    text = f"{start}cmd|' /C calc'!A0"
    evaluation = known_evaluation("2.0")
    tre = evaluation.methods[3].model_copy(update={"name": text})
    scores = tuple(
        replace(
            score,
            field=Path(text.replace("/", "")),
            after={**score.after, text: score.after["TRE_kp"]},
            before={**score.before, text: score.before["TRE_kp"]},
        )
        for score in evaluation.scores
    )
    hostile = replace(
        evaluation,
        methods=(*evaluation.methods[:3], tre),
        scores=scores,
        label_names=dict.fromkeys(range(4), text),
    )
    write_spreadsheet(hostile, tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert any("cmd|" in cell for cell in cells)


def test_a_pair_without_structures_has_one_row(known_evaluation: KnownEvaluation, tmp_path: Path) -> None:
    evaluation = known_evaluation("2.0")
    scores = tuple(replace(score, structures=()) for score in evaluation.scores)
    write_spreadsheet(replace(evaluation, scores=scores), tmp_path / "scores.csv")
    rows = _rows(tmp_path / "scores.csv")
    assert len(rows) == 3
    assert (rows[0]["label"], rows[0]["sdlogj"]) == ("", "0.1")


def test_without_hd95_its_cells_are_empty(known_evaluation: KnownEvaluation, tmp_path: Path) -> None:
    evaluation = known_evaluation("2.0")
    write_spreadsheet(replace(evaluation, methods=evaluation.methods[:2]), tmp_path / "scores.csv")
    row = _rows(tmp_path / "scores.csv")[0]
    assert (row["hd95_vox"], row["hd95_mm"]) == ("", "2.0")


def test_a_folder_that_is_missing_is_a_known_error(known_evaluation: KnownEvaluation, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_spreadsheet(known_evaluation("2.0"), tmp_path / "nowhere" / "scores.csv")
