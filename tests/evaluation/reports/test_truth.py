"""The true numbers: Dice30 by ordered difficulty, distances in mm, and the counts of labels."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.metrics.jacobian import Regularity
from evaluation.reports.truth import dice30, pair_truth, true_document, truths
from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.score import PairScore, StructureScore

KnownEvaluation = Callable[[str], Evaluation]

_NAMES = ["first", "second", "third"]
_FIELD = Path("disp_0001_0002.npz")
_REGULARITY = Regularity(sdlogj=0.0, sdlogj_plain=0.0, fold_fraction=0.0, ndv_fraction=0.0)


def _with(score: PairScore, entries: list[tuple[float, float]]) -> PairScore:
    structures = tuple(
        StructureScore(label, "both", before, after, 1.0, 1.0)
        for label, (before, after) in enumerate(entries, start=1)
    )
    return replace(score, structures=structures)


def test_dice30_is_over_the_entries_that_were_hardest_before(known_evaluation: KnownEvaluation) -> None:
    score = known_evaluation("2.0").scores[0]
    first = _with(score, [(0.9, 1.0), (0.1, 0.4), (0.8, 1.0), (0.7, 0.0), (0.6, 1.0)])
    second = _with(score, [(0.2, 0.5), (0.5, 0.0), (0.95, 0.0), (0.3, 0.9), (0.99, 0.0)])
    # 30 % of ten entries: the initial values 0.1, 0.2 and 0.3.
    assert dice30([first, second]) == pytest.approx((0.4 + 0.5 + 0.9) / 3)


@given(st.integers(1, 40))
def test_dice30_takes_the_share_rounded_but_at_least_one(count: int) -> None:
    entries = [StructureScore(i, "both", i / 100, float(i), 0.0, 0.0) for i in range(count)]
    score = PairScore("a<--b", _FIELD, "l2r2022", {}, {}, _REGULARITY, tuple(reversed(entries)))
    taken = max(1, round(0.3 * count))
    assert dice30([score]) == pytest.approx(sum(range(taken)) / taken)


def test_dice30_counts_a_lost_label_as_zero_and_an_absent_one_not(known_evaluation: KnownEvaluation) -> None:
    scores = known_evaluation("2.0").scores
    # Four entries are in both images, of which one is taken: the first pair's structure 1.
    assert dice30(scores) == pytest.approx(0.8)
    lost = tuple(one for one in scores[0].structures if one.presence == "lost")
    assert dice30([replace(scores[0], structures=lost)]) == 0
    assert math.isnan(dice30(scores[2:]))
    assert math.isnan(dice30([]))


def test_distances_are_in_mm_over_the_labels_in_both_images(known_evaluation: KnownEvaluation) -> None:
    first, second, third = known_evaluation("2.0").scores
    assert (pair_truth(second).hd95_mm, pair_truth(second).assd_mm) == (5.0, 2.0)
    assert pair_truth(first).hd95_mm == math.inf
    assert math.isnan(pair_truth(third).hd95_mm)


def test_summaries_skip_pairs_without_a_value(known_evaluation: KnownEvaluation) -> None:
    scores = known_evaluation("2.0").scores
    assert truths(scores[1:])["hd95_mm"].mean == 5
    assert truths(scores)["fold_fraction"].mean == pytest.approx(0.02)


def test_labels_are_counted_by_pair_and_by_label(known_evaluation: KnownEvaluation) -> None:
    document = true_document(known_evaluation("2.0"), _NAMES)
    cases, aggregates = document["cases"], document["aggregates"]
    assert isinstance(cases, dict)
    assert isinstance(aggregates, dict)
    assert cases["first"]["labels"] == {"compared": 2, "absent": 1, "lost": 1}
    first, second, third = aggregates["labels"]
    assert (first["name"], first["compared"], first["absent"], first["hd95_mm"]) == ("one", 2, 1, 3.0)
    assert (second["compared"], second["absent"]) == (1, 2)
    assert (third["name"], third["lost"]) == (None, 1)


@pytest.mark.parametrize(("evaluator", "expected"), [("2.0", False), ("2021", True)])
def test_values_of_labels_are_kept_where_the_official_cases_have_none(
    known_evaluation: KnownEvaluation, evaluator: str, expected: bool
) -> None:
    cases = true_document(known_evaluation(evaluator), _NAMES)["cases"]
    assert isinstance(cases, dict)
    assert all(("after" in case) is expected for case in cases.values())


@pytest.mark.parametrize("evaluator", ["2.0", "2021"])
def test_each_case_says_what_was_before(known_evaluation: KnownEvaluation, evaluator: str) -> None:
    evaluation = known_evaluation(evaluator)
    cases = true_document(evaluation, _NAMES)["cases"]
    assert isinstance(cases, dict)
    before = cases["second"]["before"]
    assert list(before) == [method.name for method in evaluation.methods[1:]]
    assert cases["second"]["pair"] == "0001_0000<--0003_0000"
    assert before[evaluation.methods[1].name]["detailed"][:2] == [0.4, 0.9]
