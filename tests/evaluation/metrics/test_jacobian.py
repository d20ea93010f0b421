"""Jacobian determinants and SDlogJ against fields with known derivatives."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evaluation.metrics.jacobian import jacobian_determinants, regularity

_SHAPE = (12, 10, 11)


def _linear(matrix: NDArray[np.float64], shape: tuple[int, int, int] = _SHAPE) -> NDArray[np.float32]:
    """The displacement u = matrix p."""
    positions = np.moveaxis(np.indices(shape), 0, -1)
    return (positions @ matrix.T).astype(np.float32)


def _along_x(u0: NDArray[np.float64]) -> NDArray[np.float32]:
    displacement = np.zeros((*_SHAPE, 3), dtype=np.float32)
    displacement[..., 0] = u0[:, None, None]
    return displacement


def test_identity_has_determinant_one_on_the_cropped_grid() -> None:
    determinants = jacobian_determinants(np.zeros((*_SHAPE, 3), dtype=np.float32))
    assert determinants.shape == (8, 6, 7)
    assert np.array_equal(determinants, np.ones((8, 6, 7)))


def test_uniform_scaling_cubes() -> None:
    scores = regularity(_linear(0.25 * np.eye(3)))
    assert np.allclose(jacobian_determinants(_linear(0.25 * np.eye(3))), 1.25**3)
    assert scores.sdlogj == pytest.approx(0, abs=1e-12)
    assert scores.fold_fraction == 0


@given(st.lists(st.integers(-8, 8), min_size=9, max_size=9))
def test_linear_fields_have_the_determinant_of_their_matrix(eighths: list[int]) -> None:
    matrix = np.array(eighths).reshape(3, 3) / 8
    determinants = jacobian_determinants(_linear(matrix, (6, 5, 7)))
    assert np.allclose(determinants, np.linalg.det(np.eye(3) + matrix), atol=1e-5)


def test_sdlogj_of_a_quadratic_is_the_official_number() -> None:
    scores = regularity(_along_x(0.02 * np.arange(12.0) ** 2))
    # 0.0217577666 would be ddof 1.
    assert scores.sdlogj == pytest.approx(0.0217253648, abs=1e-8)
    assert scores.sdlogj_plain == pytest.approx(0.0754158016, abs=1e-8)


def test_deviation_is_that_of_the_population() -> None:
    rng = np.random.default_rng(7)
    displacement = rng.normal(0, 0.2, (*_SHAPE, 3)).astype(np.float32)
    logs = np.log((jacobian_determinants(displacement) + 3).clip(1e-9, 1e9))
    n = logs.size
    assert regularity(displacement).sdlogj == pytest.approx(
        logs.std(ddof=1) * math.sqrt((n - 1) / n), rel=1e-12
    )


def test_strong_folding_is_clipped() -> None:
    folded = _along_x(-5.0 * np.arange(12.0))
    assert np.allclose(jacobian_determinants(folded), -4)
    half = _along_x(np.where(np.arange(12) < 6, -5.0, 0.0) * np.arange(12.0))
    logs = np.log((jacobian_determinants(half) + 3).clip(1e-9, 1e9))
    assert logs.min() == pytest.approx(-20.723, abs=1e-3)
    assert regularity(half).sdlogj == pytest.approx(logs.std())


def test_a_reflection_is_folded_everywhere_and_officially_smooth() -> None:
    scores = regularity(_along_x(-2.0 * np.arange(12.0)))
    assert scores.fold_fraction == 1
    assert scores.sdlogj == pytest.approx(0, abs=1e-12)


def test_only_voxels_of_the_mask_equal_to_one_count() -> None:
    displacement = _along_x(0.02 * np.arange(12.0) ** 2)
    mask = np.full(_SHAPE, 2, dtype=np.uint8)
    mask[5] = 1
    scores = regularity(displacement, mask)
    assert scores.sdlogj == pytest.approx(0, abs=1e-6)
    assert scores.fold_fraction == 0
    assert math.isnan(regularity(displacement, np.zeros(_SHAPE, dtype=np.uint8)).sdlogj)


def test_a_volume_too_thin_to_crop_has_no_numbers() -> None:
    scores = regularity(np.zeros((9, 4, 9, 3), dtype=np.float32))
    assert math.isnan(scores.sdlogj)
    assert math.isnan(scores.fold_fraction)


def test_the_offset_and_clip_of_2020_give_another_number() -> None:
    displacement = _along_x(0.02 * np.arange(12.0) ** 2)
    logs = np.log(jacobian_determinants(displacement) + 15)
    scores = regularity(displacement, log_offset=15.0, log_clip=(0.0, 1e9))
    assert scores.sdlogj == pytest.approx(logs.std(), rel=1e-12)
    assert scores.sdlogj_plain == regularity(displacement).sdlogj_plain


def test_a_determinant_clipped_to_zero_leaves_no_number() -> None:
    half = _along_x(np.where(np.arange(12) < 6, -20.0, 0.0) * np.arange(12.0))
    assert math.isnan(regularity(half, log_offset=15.0, log_clip=(0.0, 1e9)).sdlogj)


def test_threads_give_the_same_digits() -> None:
    displacement = np.random.default_rng(1).normal(0, 0.5, (31, 8, 9, 3)).astype(np.float32)
    with ThreadPoolExecutor(3) as pool:
        assert regularity(displacement, spread=pool.map) == regularity(displacement)
    assert regularity(displacement).ndv_fraction > 0
