"""Distances to the nearest marked position against all distances, near and far."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evaluation.metrics.elements import Spacing
from evaluation.metrics.nearest import NearestMarked

_SPACINGS = st.sampled_from([(1.0, 1.0, 1.0), (2.0, 2.0, 2.0), (0.4, 1.0, 3.0), (5.0, 0.3, 1.0)])


def _slow(marked: NDArray[np.bool_], spacing: Spacing) -> NDArray[np.float64]:
    here = np.argwhere(np.ones_like(marked))
    steps = (here[:, None] - np.argwhere(marked)[None]) * np.array(spacing)
    squares: NDArray[np.float64] = np.square(steps).sum(axis=-1).min(axis=1)
    return squares


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(*[st.integers(1, 13)] * 3), _SPACINGS, st.integers(0, 1000), st.sampled_from([0.002, 0.05, 0.5])
)
def test_every_position_of_a_grid(
    shape: tuple[int, int, int], spacing: Spacing, seed: int, share: float
) -> None:
    rng = np.random.default_rng(seed)
    marked = rng.random(shape) < share
    marked[tuple(rng.integers(0, side) for side in shape)] = True
    near = NearestMarked(marked, spacing)
    expected = _slow(marked, spacing)
    everywhere = np.arange(marked.size)
    # Near ones first: what is kept of them must not be taken for the far ones.
    some = everywhere[expected <= np.median(expected)]
    assert near.squares_at(some) == pytest.approx(expected[some])
    assert near.squares_at(everywhere) == pytest.approx(expected)
    assert near.squares_at(some) == pytest.approx(expected[some])


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.5, 0.5, 0.5)])
@pytest.mark.parametrize("side", [5, 7, 17, 18, 19, 39, 42, 70, 200])
def test_one_mark_at_every_distance(side: int, spacing: Spacing) -> None:
    marked = np.zeros((side, 3, 2), dtype=bool)
    marked[0, 0, 0] = True
    expected = _slow(marked, spacing)
    assert NearestMarked(marked, spacing).squares_at(np.arange(marked.size)) == pytest.approx(expected)
    last = np.array([marked.size - 1])
    assert NearestMarked(marked, spacing).squares_at(last) == pytest.approx(expected[-1:])


def test_what_is_found_in_a_corner_of_the_reach_is_not_taken_for_the_nearest() -> None:
    marked = np.zeros((12, 12, 12), dtype=bool)
    marked[6, 6, 6] = True
    marked[9, 0, 0] = True
    # The first reach of 6 voxels along each axis finds the corner at a square of 108.
    assert NearestMarked(marked, (1.0, 1.0, 1.0)).squares_at(np.array([0])) == 81
