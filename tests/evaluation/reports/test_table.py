"""The table on the terminal: what it shows, and what it keeps away from the terminal."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from evaluation.reports.table import render
from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.evaluator import EVALUATORS

KnownEvaluation = Callable[[str], Evaluation]


@pytest.mark.parametrize("evaluator", list(EVALUATORS))
def test_the_head_names_the_evaluator(known_evaluation: KnownEvaluation, evaluator: str) -> None:
    head = render(known_evaluation(evaluator)).splitlines()[0]
    assert head == f"Known: 3 pairs, fields in profile l2r2022, evaluator {evaluator}"


def test_a_structure_is_shown_before_and_after(known_evaluation: KnownEvaluation) -> None:
    lines = render(known_evaluation("2.0")).splitlines()
    assert "1 one              0.3000 ->   0.7000    0.1000      2" in lines
    assert "2 two              0.9000 ->   0.7000    0.0000      1" in lines
    assert "2 two               8.000 ->    3.000     0.000      1" in lines
    assert "TRE_kp [mm]: 5.000 -> 1.500, sd 0.000" in lines


def test_deviations_are_those_of_the_evaluator(known_evaluation: KnownEvaluation) -> None:
    lines = render(known_evaluation("2021")).splitlines()
    assert "1 one              0.3000 ->   0.7000    0.1414      2" in lines
    assert "mean over pairs    0.5000 ->   0.5250    0.1768      3" in lines


@pytest.mark.parametrize(("evaluator", "offset"), [("2.0", 3), ("2020", 15)])
def test_regularity_is_shown_official_and_true(
    known_evaluation: KnownEvaluation, evaluator: str, offset: int
) -> None:
    text = render(known_evaluation(evaluator))
    assert f"SDlogJ, official log(J + {offset}): 0.1000" in text
    assert "SDlogJ, plain log J:         0.4000" in text
    assert "folded voxels (det <= 0):    2.0000 %" in text
    assert "non-diffeomorphic volume:    1.0000 %" in text


def test_lost_and_absent_labels_are_told(known_evaluation: KnownEvaluation) -> None:
    text = render(known_evaluation("2.0"))
    assert "labels absent from an image: 5 of 9, lost by the warp: 1" in text
    assert "structures lost by the warp (HD95 infinite):\n  0001_0000<--0002_0000: 3\n" in text + "\n"
    assert "Dice30, the hardest 30 %:    0.8000" in text


def test_the_worst_pairs_are_listed_where_there_are_more(known_evaluation: KnownEvaluation) -> None:
    evaluation = known_evaluation("2.0")
    assert "worst pairs" not in render(evaluation)
    first, second, third = evaluation.scores
    many = (first, *(replace(second, name=f"000{number}_0000<--0002_0000") for number in range(2, 6)), third)
    lines = render(replace(evaluation, scores=many)).splitlines()
    start = lines.index("worst pairs by DSC:")
    assert lines[start + 1] == "  0001_0000<--0002_0000  0.3500 -> 0.4000, folded 2.0000 %"
    assert len(lines) == start + 4


def test_without_labels_only_regularity_is_shown(known_evaluation: KnownEvaluation) -> None:
    evaluation = known_evaluation("2.0")
    scores = tuple(replace(score, structures=()) for score in evaluation.scores)
    text = render(replace(evaluation, methods=evaluation.methods[:1], scores=scores))
    assert "Dice30" not in text
    assert "SDlogJ, plain" in text


def test_names_cannot_write_control_characters(known_evaluation: KnownEvaluation) -> None:
    evaluation = replace(known_evaluation("2.0"), name="a\x1b[2Jb", label_names={1: "x\ny"})
    text = render(evaluation)
    assert "\x1b" not in text
    assert r"1 x\ny" in text


def test_a_single_pair_of_2021_has_no_deviation(known_evaluation: KnownEvaluation) -> None:
    evaluation = known_evaluation("2021")
    text = render(replace(evaluation, scores=evaluation.scores[1:2]))
    assert "1 pair," in text
    assert "SDlogJ, official log(J + 3): 0.1000, sd nan" in text
