"""Who is significantly better: both tests, their signs, and where they differ."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaluation.ranking.significance import TESTS, better_than


@pytest.mark.parametrize("test", list(TESTS))
def test_the_sign_decides_who_is_better(test: str) -> None:
    values = np.array([np.linspace(0.1, 0.2, 10), np.linspace(0.7, 0.8, 10)])
    higher = better_than(values, higher_is_better=True, test=test)
    assert higher.tolist() == [[False, False], [True, False]]
    lower = better_than(values, higher_is_better=False, test=test)
    assert lower.tolist() == [[False, True], [False, False]]


@pytest.mark.parametrize("entries", [1, 8, 40])
@pytest.mark.parametrize("test", list(TESTS))
def test_equal_samples_differ_in_neither_test(test: str, entries: int) -> None:
    values = np.full((3, entries), 0.5)
    assert not better_than(values, higher_is_better=True, test=test).any()


def test_a_small_gain_in_every_entry_counts_only_where_entries_are_paired() -> None:
    # The entries span 0.1 to 0.9 and the gain is 0.01: as two heaps of numbers they are the same.
    hard_to_easy = np.linspace(0.1, 0.9, 20)
    values = np.stack([hard_to_easy, hard_to_easy + np.linspace(0.009, 0.011, 20)])
    assert better_than(values, higher_is_better=True, test="documented")[1, 0]
    assert not better_than(values, higher_is_better=True, test="coded").any()


def test_three_pairs_can_differ_only_by_the_rank_sum() -> None:
    # All of one above all of the other: p = 0.0495 by the rank sum, 1/4 by the signed rank.
    values = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert better_than(values, higher_is_better=True, test="coded")[1, 0]
    assert not better_than(values, higher_is_better=True, test="documented").any()


def test_equal_entries_weigh_against_a_difference() -> None:
    gain = np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    values = np.stack([np.zeros(6), gain])
    assert better_than(values, higher_is_better=True, test="documented")[1, 0]
    with_ties = np.concatenate([values, np.zeros((2, 60))], axis=1)
    assert not better_than(with_ties, higher_is_better=True, test="documented").any()


@given(st.lists(st.lists(st.integers(0, 20), min_size=9, max_size=9), min_size=2, max_size=4))
@settings(max_examples=40, deadline=None)
def test_the_rank_sum_is_that_of_scipy_for_every_two_methods(rows: list[list[int]]) -> None:
    values = np.array(rows, dtype=np.float64)
    better = better_than(values, higher_is_better=True, test="coded")
    for one in range(len(rows)):
        for other in range(len(rows)):
            statistic, p = stats.ranksums(values[one], values[other])
            assert better[one, other] == (statistic > 0 and p < 0.05)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=7))
@settings(max_examples=25, deadline=None)
def test_the_signed_rank_of_few_entries_is_that_of_scipy(differences: list[int]) -> None:
    entries = np.array(differences, dtype=np.float64)
    direction, p = TESTS["documented"](entries, np.zeros_like(entries))
    if any(differences):
        assert p == pytest.approx(stats.wilcoxon(entries, zero_method="zsplit").pvalue)
        greater = stats.wilcoxon(entries, zero_method="zsplit", alternative="greater")
        middle = len(entries) * (len(entries) + 1) / 4
        assert np.sign(direction) == np.sign(round(greater.statistic - middle, 9))
    else:
        assert (direction, p) == (0, 1)


@given(st.lists(st.integers(-9, 9), min_size=14, max_size=20))
@settings(max_examples=60, deadline=None)
def test_the_signed_rank_of_many_entries_is_that_of_scipy(differences: list[int]) -> None:
    entries = np.array(differences, dtype=np.float64)
    _, p = TESTS["documented"](entries + 1, np.ones_like(entries))
    assert p == pytest.approx(stats.wilcoxon(entries, zero_method="zsplit").pvalue)
