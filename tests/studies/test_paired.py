"""Paired differences and their bootstrap interval."""

import math

import numpy as np
import pytest

from pairs.errors import UsageError
from studies.paired import bootstrap_interval, paired_differences, paired_p_value

__all__: list[str] = []


def test_differences_are_of_the_same_pair_whatever_the_order() -> None:
    differences = paired_differences({"a": 0.9, "b": 0.5}, {"b": 0.25, "a": 0.4})
    assert differences.tolist() == [0.25, 0.5]


def test_a_pair_without_a_score_is_left_out() -> None:
    assert paired_differences({"a": math.nan, "b": 1.0}, {"a": 0.0, "b": 0.5}).tolist() == [0.5]


@pytest.mark.parametrize("values", [{"b": 1.0}, {"a": math.nan}])
def test_what_cannot_be_compared_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        paired_differences(values, {"a": 1.0})


def test_equal_differences_have_an_interval_of_one_point() -> None:
    interval = bootstrap_interval(np.full(5, 0.25))
    assert (interval.mean, interval.low, interval.high) == (0.25, 0.25, 0.25)


def test_interval_is_that_of_the_normal_law_for_many_pairs() -> None:
    differences = np.random.default_rng(1).normal(0.01, 0.02, size=400)
    interval = bootstrap_interval(differences)
    half_width = 1.96 * differences.std() / 20
    assert interval.mean == pytest.approx(differences.mean())
    assert interval.low == pytest.approx(interval.mean - half_width, abs=0.1 * half_width)
    assert interval.high == pytest.approx(interval.mean + half_width, abs=0.1 * half_width)
    assert bootstrap_interval(differences) == interval
    assert bootstrap_interval(differences, seed=1) != interval


def test_the_t_test_is_the_textbook_one() -> None:
    """Differences 1, 2, 3: t = 2 / (1 / sqrt(3)) with two degrees of freedom."""
    t = 2 * math.sqrt(3)
    assert paired_p_value(np.array([1.0, 2.0, 3.0])) == pytest.approx(1 - t / math.sqrt(t**2 + 2))


@pytest.mark.parametrize("differences", [[0.1], [0.0, 0.0, 0.0]])
def test_nothing_is_said_of_one_pair_or_of_equal_methods(differences: list[float]) -> None:
    assert math.isnan(paired_p_value(np.array(differences)))
