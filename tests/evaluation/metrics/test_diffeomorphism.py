"""Non-diffeomorphic volume against a determinant for every tetrahedron, and fields with known folds."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evaluation.metrics.diffeomorphism import non_diffeomorphic_volume

_SHAPE = (6, 5, 7)


def _slow(displacement: NDArray[np.float32]) -> float:
    """The volumes of the ten tetrahedra around each inner voxel, one determinant at a time."""
    shape = displacement.shape[:3]
    deformation = np.moveaxis(np.indices(shape), 0, -1) + displacement.astype(np.float64)
    corners = [np.diag(signs) for signs in itertools.product((1, -1), repeat=3)]
    middles = [sign * np.array([(1, 1, 0), (0, 1, 1), (1, 0, 1)]) for sign in (1, -1)]
    volumes = []
    for at in itertools.product(*(range(1, side - 1) for side in shape)):
        for offsets in (*corners, *middles):
            there = [deformation[tuple(np.add(at, offset))] - deformation[at] for offset in offsets]
            # The sign of the undeformed tetrahedron tells its orientation.
            volumes.append(np.sign(np.linalg.det(offsets)) * np.linalg.det(there) / 6)
    return -sum(volume for volume in volumes if volume < 0) / 2 / math.prod(side - 2 for side in shape)


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 2), st.integers(0, 1000))
def test_it_is_the_volume_of_the_negative_tetrahedra(scale: float, seed: int) -> None:
    displacement = np.random.default_rng(seed).normal(0, scale, (*_SHAPE, 3)).astype(np.float32)
    assert non_diffeomorphic_volume(displacement) == pytest.approx(_slow(displacement), rel=1e-5, abs=1e-7)


def test_memory_order_and_slabs_do_not_matter() -> None:
    displacement = np.random.default_rng(0).normal(0, 1, (9, 5, 7, 3)).astype(np.float32)
    planar = np.moveaxis(np.ascontiguousarray(np.moveaxis(displacement, -1, 0)), 0, -1)
    assert non_diffeomorphic_volume(planar) == non_diffeomorphic_volume(displacement)
    assert non_diffeomorphic_volume(displacement) == pytest.approx(_slow(displacement), rel=1e-5)


def test_smooth_maps_have_none_and_a_reflection_is_all_of_it() -> None:
    positions = np.moveaxis(np.indices(_SHAPE), 0, -1).astype(np.float32)
    assert non_diffeomorphic_volume(np.zeros((*_SHAPE, 3), dtype=np.float32)) == 0
    assert non_diffeomorphic_volume(0.5 * positions) == 0
    reflected = np.zeros((*_SHAPE, 3), dtype=np.float32)
    reflected[..., 1] = -2 * positions[..., 1]
    assert non_diffeomorphic_volume(reflected) == pytest.approx(1)


def test_it_sees_the_fold_that_central_differences_step_over() -> None:
    displacement = np.zeros((*_SHAPE, 3), dtype=np.float32)
    # Every second plane passes both of its neighbours, which central differences never compare with it.
    displacement[::2, ..., 0] = 1.5
    assert non_diffeomorphic_volume(displacement) > 0.1


def test_a_volume_without_inner_voxels_has_no_number() -> None:
    assert math.isnan(non_diffeomorphic_volume(np.zeros((9, 2, 9, 3), dtype=np.float32)))
