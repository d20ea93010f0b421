"""Ranks by hand, ties, methods without a result, and what holds for all ranks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.ranking.rank import metric_ranks, rank_methods
from evaluation.ranking.samples import Samples
from evaluation.ranking.significance import TESTS

_ENTRIES = 10
_SPREAD = np.linspace(0, 0.05, _ENTRIES)


def _samples(
    *levels: float, title: str = "Dice", higher: bool = True, absent: tuple[int, ...] = ()
) -> Samples:
    """One method per level; levels further apart than 0.05 differ significantly in both tests."""
    values = np.stack([level + _SPREAD for level in levels])
    return Samples(
        title=title,
        higher_is_better=higher,
        values=values,
        filled=np.zeros_like(values, dtype=bool),
        absent=np.array([index in absent for index in range(len(levels))]),
        fill_in=0.0,
    )


@pytest.mark.parametrize("test", list(TESTS))
def test_four_methods_by_hand(test: str) -> None:
    # Losses under Dice 0, 1, 2, 3, so the ranks are linspace(1, 0.1, 4).
    dice = _samples(0.8, 0.6, 0.4, 0.2)
    # The best Dice has the worst SDlogJ; the middle two are equal there: losses 3, 1, 1, 0.
    smooth = _samples(0.9, 0.3, 0.3, 0.1, title="SDlogJ", higher=False)
    time = _samples(1.0, 2.0, 3.0, 4.0, title="runtime", higher=False)
    ranking = rank_methods("abcd", [dice, smooth, time], test)
    assert ranking.metrics[0].ranks == pytest.approx([1.0, 0.7, 0.4, 0.1])
    assert ranking.metrics[1].ranks == pytest.approx([0.1, 0.55, 0.55, 1.0])
    assert ranking.metrics[2].ranks == pytest.approx([1.0, 0.7, 0.4, 0.1])
    expected = [math.sqrt(0.1), math.sqrt(0.7 * 0.55), math.sqrt(0.4 * 0.55), math.sqrt(0.1)]
    assert ranking.scores == pytest.approx(expected)
    assert ranking.scores_with_runtime == pytest.approx(
        [0.1 ** (1 / 3), (0.7 * 0.55 * 0.7) ** (1 / 3), (0.4 * 0.55 * 0.4) ** (1 / 3), 0.01 ** (1 / 3)]
    )
    assert ranking.order == (1, 0, 2, 3)
    without = rank_methods("abcd", [dice, smooth], test)
    assert without.scores_with_runtime is None
    assert without.order == (1, 2, 0, 3)
    assert without.places == (3, 1, 2, 3)


@pytest.mark.parametrize("test", list(TESTS))
def test_ties_share_the_mean_of_their_places(test: str) -> None:
    ranks = metric_ranks(_samples(0.8, 0.8, 0.8, 0.2, 0.2), test).ranks
    assert ranks == pytest.approx([0.775, 0.775, 0.775, 0.2125, 0.2125])
    assert metric_ranks(_samples(0.5, 0.5, 0.5), test).ranks == pytest.approx([0.55] * 3)


def test_methods_without_a_result_are_last_as_documented_and_compared_as_coded() -> None:
    # Fill-ins of a metric can be better than a real value, as HD95 10 is than 20.
    samples = _samples(5.0, 20.0, 10.0, 10.0, title="HD95", higher=False, absent=(2, 3))
    documented = metric_ranks(samples, "documented")
    assert documented.ranks == pytest.approx([1.0, 0.7, 0.1, 0.1])
    assert not documented.better[2:].any()
    assert metric_ranks(samples, "coded").ranks == pytest.approx([1.0, 0.1, 0.55, 0.55])


_LEVELS = st.lists(st.integers(0, 6), min_size=2, max_size=6)


@given(_LEVELS, st.sampled_from(list(TESTS)), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_ranks_are_within_bounds_and_follow_the_methods_in_any_order(
    levels: list[int], test: str, random: object
) -> None:
    ranks = metric_ranks(_samples(*(level / 10 for level in levels)), test).ranks
    assert ranks.min() >= 0.1
    assert ranks.max() <= 1.0
    assert ranks.mean() == pytest.approx(0.55)
    order = list(range(len(levels)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = metric_ranks(_samples(*(levels[index] / 10 for index in order)), test).ranks
    assert shuffled == pytest.approx(ranks[order])


@given(_LEVELS, st.sampled_from(list(TESTS)), st.booleans())
@settings(max_examples=30, deadline=None)
def test_who_is_better_everywhere_by_a_margin_gets_one(levels: list[int], test: str, higher: bool) -> None:
    others = [level / 10 for level in levels]
    best = max(others) + 0.1 if higher else min(others) - 0.1
    ranking = rank_methods(
        [str(index) for index in range(len(others) + 1)],
        [_samples(best, *others, higher=higher), _samples(best, *others, title="HD95", higher=higher)],
        test,
    )
    assert ranking.metrics[0].ranks[0] == 1.0
    assert ranking.scores[0] == pytest.approx(1.0)
    assert ranking.order[0] == 0
