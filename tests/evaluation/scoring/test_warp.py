"""Warping as the host does it: direction, axes, ties and borders."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import ndimage

from evaluation.scoring.warp import warp_image, warp_labels

_SHAPE = (8, 6, 10)


def _constant(*shift: float, shape: tuple[int, int, int] = _SHAPE) -> NDArray[np.float32]:
    return np.broadcast_to(np.array(shift, dtype=np.float32), (*shape, 3)).copy()


def _probe() -> NDArray[np.uint8]:
    moving = np.zeros(_SHAPE, dtype=np.uint8)
    moving[4, 2, 5] = 7
    return moving


def test_the_displacement_pulls_from_where_it_points() -> None:
    warped = warp_labels(_probe(), _constant(2, -1, 3))
    assert np.argwhere(warped == 7).tolist() == [[2, 3, 2]]
    assert np.count_nonzero(warped) == 1


def test_components_belong_to_their_array_axes() -> None:
    warped = warp_labels(_probe(), _constant(3, -1, 2))
    assert np.argwhere(warped).tolist() == [[1, 3, 3]]


def test_slabs_leave_no_seam() -> None:
    rng = np.random.default_rng(3)
    moving = rng.integers(0, 5, (37, 5, 4)).astype(np.int16)
    shift = _constant(-1, 2, 1, shape=(37, 5, 4))
    expected = np.zeros_like(moving)
    expected[1:, :-2, :-1] = moving[:-1, 2:, 1:]
    assert np.array_equal(warp_labels(moving, shift), expected)


def test_ties_round_up() -> None:
    moving = np.arange(6, dtype=np.uint8).reshape(6, 1, 1) + 10
    warped = warp_labels(moving, _constant(0.5, 0, 0, shape=(6, 1, 1)))
    assert warped.reshape(-1).tolist() == [11, 12, 13, 14, 15, 0]


@pytest.mark.parametrize("shift", [-0.4, -1e-6, 5 + 1e-6, 5.4])
def test_outside_by_however_little_is_background(shift: float) -> None:
    moving = np.ones((6, 3, 3), dtype=np.uint8)
    displacement = _constant(0, 0, 0, shape=(6, 3, 3))
    displacement[0, ..., 0] = shift
    warped = warp_labels(moving, displacement)
    assert not warped[0].any()
    assert warped[1:].all()


def test_images_are_interpolated_linearly() -> None:
    moving = np.arange(8, dtype=np.float32)[:, None, None] * np.ones(_SHAPE, dtype=np.float32)
    warped = warp_image(moving, _constant(0.25, 0, 0))
    assert np.allclose(warped[:-1], moving[:-1] + 0.25)
    assert not warped[-1].any()


_EDGES = st.sampled_from(
    [0.0, -0.0, 0.5, -0.5, 1.5, -2.5, 1e-17, -1e-17, 1e-45, -1e-45, 0.49999997, -0.50000006, 7.0, -7.0, 1e30]
)


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(
    hnp.arrays(
        np.float32, (4, 3, 5, 3), elements=st.one_of(_EDGES, st.floats(-6, 6, width=32)), fill=st.nothing()
    )
)
def test_labels_are_those_of_map_coordinates(displacement: NDArray[np.float32]) -> None:
    moving = np.arange(1, 61, dtype=np.uint8).reshape(4, 3, 5)
    positions = np.indices(moving.shape) + np.moveaxis(displacement, -1, 0)
    expected = ndimage.map_coordinates(moving.astype(np.float64), positions, order=0)
    assert np.array_equal(warp_labels(moving, displacement), expected)
    planar = np.moveaxis(np.ascontiguousarray(np.moveaxis(displacement, -1, 0)), 0, -1)
    assert np.array_equal(warp_labels(moving, planar), expected)
