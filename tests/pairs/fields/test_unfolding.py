"""Displacements as the host decodes them: those that fold no longer do, the others are left as they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from pairs.fields.displacement import PROFILES
from pairs.fields.encoding import decode, encode
from pairs.fields.unfolding import folded_voxels, unfolded

__all__: list[str] = []

SHAPE = (32, 24, 28)
ALL = pytest.mark.parametrize("name", list(PROFILES))


def as_decoded(displacement: np.ndarray, name: str) -> np.ndarray:
    return decode(encode(displacement, PROFILES[name]), PROFILES[name])


def squeezed(share: float, width_vox: float = 4.0) -> np.ndarray:
    """Tissue squeezed along x within `width_vox` of the middle: det >= 1 - share, and 1 from there on."""
    centre = [(side - 1) / 2 for side in SHAPE]
    x, y, z = np.meshgrid(*(np.arange(n) - c for n, c in zip(SHAPE, centre, strict=True)), indexing="ij")
    fading = np.exp(-(y**2 + z**2) / 18)
    field = np.zeros((*SHAPE, 3), np.float32)
    field[..., 0] = -share * np.clip(x, -width_vox, width_vox) * fading
    return field


def wavy(seed: int, sigma_vox: float, amplitude_vox: float) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(3, *SHAPE))
    waves = np.stack([gaussian_filter(part, sigma_vox) for part in noise], axis=-1)
    return (amplitude_vox * waves / np.abs(waves).max()).astype(np.float32)


def by_finite_differences(field: np.ndarray) -> np.ndarray:
    """Determinants of the inner voxels, by NumPy's own gradient and determinant."""
    jacobians = np.stack([np.stack(np.gradient(field[..., i]), axis=-1) for i in range(3)], axis=-2)
    return np.linalg.det(jacobians + np.eye(3))[1:-1, 1:-1, 1:-1]


def test_folded_voxels_are_those_of_the_definition() -> None:
    field = wavy(0, 1.0, 4.0).astype(np.float64)
    expected = np.argwhere(by_finite_differences(field) <= 0) + 1
    assert len(expected) > 100
    assert np.array_equal(folded_voxels(field), expected)


@pytest.mark.parametrize("name", ["l2r2021", "psmareg2026"])
def test_what_storing_folds_is_unfolded(name: str) -> None:
    field = squeezed(0.97)
    assert not len(folded_voxels(field))
    before = as_decoded(field, name)
    folds = folded_voxels(before)
    assert len(folds)
    after = as_decoded(unfolded(field, PROFILES[name]), name)
    assert not len(folded_voxels(after))
    # Only the neighbourhood of the folds changes, and by no more than it must.
    moved = np.abs(after - before).max(-1)
    away = np.ones(SHAPE, bool)
    away[tuple(slice(low - 8, high + 9) for low, high in zip(folds.min(0), folds.max(0), strict=True))] = (
        False
    )
    assert moved[away].max() < 0.005 < 0.01 < moved.max() < 0.1


@ALL
def test_a_field_that_folds_is_unfolded_in_every_profile(name: str) -> None:
    for field in (squeezed(1.3), wavy(0, 1.0, 4.0)):
        assert len(folded_voxels(as_decoded(field, name))) > 50
        assert not len(folded_voxels(as_decoded(unfolded(field, PROFILES[name]), name)))


@ALL
def test_a_field_that_folds_all_over_is_left_as_it_is(name: str) -> None:
    field = wavy(0, 1.0, 6.0)
    assert unfolded(field, PROFILES[name]) is field


@ALL
def test_a_field_without_folds_is_left_as_it_is(name: str) -> None:
    field = squeezed(0.5)
    kept = field.copy()
    assert unfolded(field, PROFILES[name]) is field
    assert np.array_equal(field, kept)


@pytest.mark.parametrize("name", ["l2r2021", "psmareg2026"])
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), sigma_vox=st.floats(1.5, 4), share=st.floats(0.8, 1))
def test_no_field_that_does_not_fold_is_stored_with_folds(
    name: str, seed: int, sigma_vox: float, share: float
) -> None:
    """Smooth fields of up to the amplitude at which they begin to fold."""
    field = wavy(seed, sigma_vox, 8.0)
    while len(folded_voxels(field)):
        field *= 0.97
    field *= share
    stored = unfolded(field, PROFILES[name])
    assert not len(folded_voxels(as_decoded(stored, name)))
    assert np.abs(stored - field).max() < 1


def test_the_same_field_gives_the_same_bytes_and_is_not_written_to() -> None:
    field = squeezed(0.97)
    field.flags.writeable = False
    first, second = (unfolded(field, PROFILES["l2r2021"]) for _ in range(2))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("shape", [(9, 1, 7, 3), (2, 2, 2, 3), (3, 1, 1, 3)])
def test_sides_too_short_for_a_derivative_have_no_folds(shape: tuple[int, ...]) -> None:
    field = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    assert unfolded(field, PROFILES["l2r2022"]) is field
