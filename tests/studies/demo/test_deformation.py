"""Sampling, composition, inversion and folds against maps whose answer is known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.network import warp
from studies.demo.deformation import (
    compose,
    gradient_of,
    inverse,
    pull_back,
    smallest_determinant,
    smooth_field,
    unfolded,
)

__all__: list[str] = []

SHAPE = (12, 14, 10)


def _constant(*shift: float) -> np.ndarray:
    return np.broadcast_to(np.array(shift, np.float32), (*SHAPE, 3)).copy()


def _smooth(seed: int, size_vox: float) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return size_vox * np.stack([smooth_field(SHAPE, 3.0, generator) for _ in range(3)], axis=-1)


def test_pull_back_reads_at_p_plus_u() -> None:
    volume = np.random.default_rng(0).random(SHAPE, dtype=np.float32)
    moved = pull_back(volume, _constant(2, 0, -1))
    np.testing.assert_allclose(moved[3, 5, 4], volume[5, 5, 3], rtol=1e-6)
    np.testing.assert_array_equal(pull_back(volume, _constant(0, 0, 0)), volume)


def test_shifts_compose_by_adding() -> None:
    np.testing.assert_allclose(compose(_constant(1, 2, 0), _constant(0.5, -1, 3)), _constant(1.5, 1, 3))


def test_compose_looks_the_first_map_up_where_the_second_leads() -> None:
    then = _constant(2, 0, 0)
    first = np.zeros((*SHAPE, 3), np.float32)
    first[..., 1] = np.arange(SHAPE[0])[:, None, None]
    assert compose(first, then)[3, 4, 5].tolist() == [2, 5, 0]


def test_compose_means_here_what_it_means_to_the_network() -> None:
    first, then = _smooth(1, 1.0), _smooth(2, 1.0)
    tensors = (torch.from_numpy(np.moveaxis(u, -1, 0).astype(np.float32).copy())[None] for u in (first, then))
    expected = np.moveaxis(warp.compose(*tensors)[0].numpy(), 0, -1)
    np.testing.assert_allclose(compose(first, then), expected, atol=1e-5)
    assert np.abs(compose(then, first) - expected).max() > 1e-2


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1000))
def test_inverse_undoes_the_map(seed: int) -> None:
    displacement = _smooth(seed, 0.4)
    assert np.abs(compose(displacement, inverse(displacement))).max() < 1e-3


@pytest.mark.parametrize("stretch", [-1.5, -0.5, 0.0, 0.7])
def test_determinant_of_a_linear_map(stretch: float) -> None:
    matrix = np.array([[stretch, 0.2, 0.1], [0.0, 0.3, -0.1], [0.0, 0.0, -0.2]])
    positions = np.moveaxis(np.indices(SHAPE), 0, -1)
    expected = np.linalg.det(np.eye(3) + matrix)
    assert smallest_determinant(gradient_of(positions @ matrix.T)) == pytest.approx(expected)


def test_a_folding_field_is_scaled_down_until_it_folds_nowhere() -> None:
    displacement = _smooth(1, 5.0)
    assert smallest_determinant(gradient_of(displacement)) < 0
    flat = unfolded(displacement, 0.1)
    assert smallest_determinant(gradient_of(flat)) > 0.1
    ratio = flat / displacement
    np.testing.assert_allclose(ratio, ratio[0, 0, 0, 0], rtol=1e-4)


def test_a_field_without_folds_is_left_alone() -> None:
    displacement = _smooth(2, 0.2)
    np.testing.assert_array_equal(unfolded(displacement, 0.1), displacement.astype(np.float32))


def test_smooth_field_has_unit_deviation_up_to_the_faces() -> None:
    fields = np.stack([smooth_field(SHAPE, 2.0, np.random.default_rng(seed)) for seed in range(60)])
    assert fields.std(axis=(1, 2, 3)) == pytest.approx(1, abs=1e-4)
    assert fields[:, 0].std() == pytest.approx(fields[:, SHAPE[0] // 2].std(), rel=0.2)
