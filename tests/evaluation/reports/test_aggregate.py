"""Aggregation over pairs: NumPy's for 2.0, pandas' for 2020 and 2021, with NaN, infinity and single pairs."""

import math
import statistics
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.reports.aggregate import (
    Summary,
    structure_rows,
    summarise,
    summarise_cases,
    summarise_method,
)
from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.evaluator import EVALUATORS

KnownEvaluation = Callable[[str], Evaluation]

_VALUES = st.lists(st.floats(-100, 100), min_size=2, max_size=20)


@given(_VALUES)
def test_2_0_takes_the_deviation_of_the_population(values: list[float]) -> None:
    summary = summarise_cases(EVALUATORS["2.0"], "dice", values)
    assert summary.mean == pytest.approx(statistics.fmean(values), abs=1e-9)
    assert summary.std == pytest.approx(statistics.pstdev(values), abs=1e-6)


@given(_VALUES, st.integers(1, 3))
def test_2021_takes_the_deviation_of_the_sample_and_skips_nan(values: list[float], gaps: int) -> None:
    summary = summarise_cases(EVALUATORS["2021"], "dice", [math.nan] * gaps + values)
    assert summary.mean == pytest.approx(statistics.fmean(values), abs=1e-9)
    assert summary.std == pytest.approx(statistics.stdev(values), abs=1e-6)


@pytest.mark.parametrize(
    ("evaluator", "quantiles"),
    [("2.0", (3, 3, 7, 7)), ("2023", (3, 3, 3, 3)), ("2021", (3, 3, 3, 3)), ("2020", (3, 3, 3, 3))],
)
def test_quantile_sides_change_with_the_version(evaluator: str, quantiles: tuple[int, ...]) -> None:
    found = [
        summarise_cases(EVALUATORS[evaluator], metric, range(11)).quantile
        for metric in ("dice", "hd95", "sdlogj", "tre")
    ]
    assert found == pytest.approx(quantiles)


def test_nan_spoils_2_0_only() -> None:
    assert math.isnan(summarise_cases(EVALUATORS["2.0"], "dice", [1.0, math.nan]).mean)
    assert summarise_cases(EVALUATORS["2021"], "dice", [1.0, math.nan]).mean == 1


@pytest.mark.parametrize("evaluator", list(EVALUATORS))
def test_infinity_gives_an_infinite_mean_without_deviation(evaluator: str) -> None:
    summary = summarise_cases(EVALUATORS[evaluator], "hd95", [1.0, 2.0, math.inf])
    assert summary.mean == math.inf
    assert math.isnan(summary.std)
    assert summary.quantile == pytest.approx(1.6)


def test_a_single_pair_has_no_deviation_of_the_sample() -> None:
    assert summarise_cases(EVALUATORS["2.0"], "dice", [0.5]) == Summary(0.5, 0.0, 0.5)
    early = summarise_cases(EVALUATORS["2020"], "dice", [0.5])
    assert (early.mean, early.quantile) == (0.5, 0.5)
    assert math.isnan(early.std)


@pytest.mark.parametrize("values", [[], [math.nan], [math.nan, math.nan]])
@pytest.mark.parametrize("evaluator", list(EVALUATORS))
def test_nothing_but_nan_gives_nan(evaluator: str, values: list[float]) -> None:
    summary = summarise_cases(EVALUATORS[evaluator], "sdlogj", values)
    assert np.isnan([summary.mean, summary.std, summary.quantile]).all()


def test_rows_count_the_pairs_that_have_the_structure(known_evaluation: KnownEvaluation) -> None:
    first, second, third = structure_rows(known_evaluation("2.0"), "DSC")
    assert (first.label, first.pairs, third.pairs) == (1, 2, 1)
    assert first.before == pytest.approx(0.3)
    assert first.after == pytest.approx(0.7)
    assert first.std == pytest.approx(0.1)
    assert (second.pairs, second.before, second.after) == (1, 0.9, 0.7)


def test_rows_have_the_deviation_of_the_evaluator(known_evaluation: KnownEvaluation) -> None:
    first = structure_rows(known_evaluation("2021"), "DiceCoefficient")[0]
    assert first.std == pytest.approx(math.sqrt(0.02))


def test_a_metric_without_a_value_before_has_no_summary_before(known_evaluation: KnownEvaluation) -> None:
    evaluation = known_evaluation("2.0")
    smoothness, dice = evaluation.methods[:2]
    assert summarise_method(evaluation, smoothness, before=True) is None
    assert summarise_method(evaluation, dice, before=True) is not None
    assert summarise([1.0, 3.0]).mean == 2
