"""The hosts' upsampling as matrices, and its least-squares inverse."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import zoom

from pairs.fields.resampling import Upsampling, downsample, round_trip_matrix, upsample, upsampling_matrix

ROOT = Path(__file__).resolve().parents[3]
BOTH = pytest.mark.parametrize("upsampling", ["zoom2", "trilinear"])


def random_field(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=5, size=(*shape, 3)).astype(np.float32)


def test_trilinear_matrix_has_quarter_weights_and_clamped_ends() -> None:
    expected = [
        [1, 0, 0],
        [0.75, 0.25, 0],
        [0.25, 0.75, 0],
        [0, 0.75, 0.25],
        [0, 0.25, 0.75],
        [0, 0, 1],
    ]
    assert np.array_equal(upsampling_matrix("trilinear", 3), expected)
    assert np.array_equal(upsampling_matrix("trilinear", 1), [[1], [1]])


def test_zoom_matrix_reproduces_the_measured_ramp() -> None:
    ramp = upsampling_matrix("zoom2", 4) @ np.arange(4.0)
    assert np.allclose(ramp, [0, 0.2624, 0.8309, 1.3032, 1.6968, 2.1691, 2.7376, 3], atol=5e-5)


@BOTH
@pytest.mark.parametrize("side", [1, 2, 3, 7, 112])
def test_constants_stay_constant(upsampling: Upsampling, side: int) -> None:
    matrix = upsampling_matrix(upsampling, side)
    assert matrix.shape == (2 * side, side)
    assert np.allclose(matrix.sum(axis=1), 1, atol=1e-12)


def test_matrices_are_shared_and_cannot_be_written_to() -> None:
    assert upsampling_matrix("zoom2", 5) is upsampling_matrix("zoom2", 5)
    with pytest.raises(ValueError, match="read-only"):
        upsampling_matrix("zoom2", 5)[0, 0] = 2


@pytest.mark.parametrize("shape", [(4, 3, 5), (1, 6, 2), (16, 18, 20)])
def test_matrices_along_the_axes_are_the_zoom_of_the_volume(shape: tuple[int, int, int]) -> None:
    half = random_field(shape)
    for component in range(3):
        expected = zoom(half[..., component], 2, order=2)
        assert np.allclose(upsample(half, "zoom2")[..., component], expected, rtol=2e-7, atol=1e-12)


def test_trilinear_keeps_axes_apart() -> None:
    half = np.zeros((2, 1, 1, 3), np.float32)
    half[1, ..., 2] = 4
    full = upsample(half, "trilinear")
    assert full.shape == (4, 2, 2, 3)
    assert np.array_equal(full[:, 1, 0, 2], [0, 1, 3, 4])
    assert not full[..., :2].any()


@BOTH
@given(sides=st.tuples(*[st.integers(1, 7)] * 3), seed=st.integers(0, 1000))
def test_downsampling_undoes_upsampling(
    upsampling: Upsampling, sides: tuple[int, int, int], seed: int
) -> None:
    half = random_field(sides, seed)
    assert np.allclose(downsample(upsample(half, upsampling), upsampling), half, atol=1e-3)


@BOTH
def test_no_other_half_grid_field_decodes_closer(upsampling: Upsampling) -> None:
    full = random_field((8, 6, 10))
    best = downsample(full, upsampling)

    def squares(half: np.ndarray) -> float:
        return float(((upsample(half, upsampling) - full) ** 2).sum())

    rng = np.random.default_rng(1)
    for _ in range(20):
        assert squares(best) < squares(best + rng.normal(scale=0.05, size=best.shape))
    rival = np.stack([zoom(full[..., component], 0.5, order=2) for component in range(3)], axis=-1)
    assert squares(best) < squares(rival)


@pytest.mark.parametrize("upsampling", ["zoom2", "trilinear"])
def test_a_round_trip_is_a_projection_onto_what_the_host_can_give(upsampling: Upsampling) -> None:
    projection = round_trip_matrix(upsampling, 12)
    assert np.allclose(projection @ projection, projection)
    matrix = upsampling_matrix(upsampling, 6)
    assert np.allclose(projection @ matrix, matrix)
    assert np.allclose(projection.sum(1), 1)


@pytest.mark.slow
def test_bytes_do_not_depend_on_the_threads_of_blas() -> None:
    program = """
import hashlib
import numpy as np
from scipy.ndimage import gaussian_filter
from pairs.fields.displacement import PROFILES
from pairs.fields.resampling import downsample, round_trip_matrix
from pairs.fields.unfolding import unfolded
field = np.random.default_rng(0).normal(size=(32, 48, 40, 3)).astype(np.float32)
folded = 6 * gaussian_filter(field, (1.3, 1.3, 1.3, 0))
for profile in (PROFILES["l2r2021"], PROFILES["psmareg2026"]):
    rule = profile.upsampling
    for result in (downsample(field, rule), round_trip_matrix(rule, 64), unfolded(folded, profile)):
        assert result is not folded
        print(hashlib.sha256(result.tobytes()).hexdigest())
"""

    def printed(threads: int) -> str:
        # The kernels of processors without AVX-512, which divide a product so that sums change.
        kernels = {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": str(threads)}
        environment = os.environ | kernels | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", program]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    assert len(set(printed(1).split())) == 6
    assert printed(1) == printed(2)
