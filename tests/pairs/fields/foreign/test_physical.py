"""Millimetres become voxels: against a point-by-point truth on oblique grids with different flips."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairs.errors import DisplacementError, NonFiniteDisplacement
from pairs.fields.foreign.physical import PhysicalField, ras_affine, to_voxels, usable
from pairs.images.header import Header

MIRROR = np.array([-1, -1, 1])
NAME = Path("disp.nii.gz")


def test_a_known_displacement(fixed: Header, moving: Header, u: np.ndarray, lps_mm: np.ndarray) -> None:
    converted = to_voxels(PhysicalField(NAME, lps_mm, "lps", fixed.affine), fixed, moving)
    assert converted.dtype == np.float32
    assert np.allclose(converted, u, atol=1e-4)


def test_both_frames(fixed: Header, moving: Header, u: np.ndarray, lps_mm: np.ndarray) -> None:
    converted = to_voxels(PhysicalField(NAME, lps_mm * MIRROR, "ras", fixed.affine), fixed, moving)
    assert np.allclose(converted, u, atol=1e-4)


def test_no_displacement_maps_points_onto_themselves(fixed: Header, moving: Header) -> None:
    still = PhysicalField(NAME, np.zeros((*fixed.shape, 3), np.float32), "lps", fixed.affine)
    assert np.abs(to_voxels(still, fixed, fixed)).max() < 1e-6
    converted = to_voxels(still, fixed, moving)
    point = fixed.affine @ (3, 1, 4, 1)
    matched = moving.affine @ (*((3, 1, 4) + converted[3, 1, 4]), 1)
    assert np.allclose(matched, point, atol=1e-4)


def test_the_affine_map_comes_after_the_warp(
    fixed: Header, moving: Header, u: np.ndarray, lps_mm: np.ndarray
) -> None:
    after = np.array([[1.1, 0.2, 0, 3], [-0.1, 0.9, 0.05, -2], [0, 0.1, 1, 5], [0, 0, 0, 1]])
    # What the warp alone must do so that the affine map then ends where `u` does.
    warp_mm = np.empty_like(lps_mm)
    for index in np.ndindex(fixed.shape):
        point = (fixed.affine @ (*index, 1))[:3]
        end = np.append(point + MIRROR * lps_mm[index], 1)
        warp_mm[index] = MIRROR * ((np.linalg.inv(after) @ end)[:3] - point)
    converted = to_voxels(PhysicalField(NAME, warp_mm, "lps", fixed.affine), fixed, moving, after)
    assert np.allclose(converted, u, atol=1e-4)


def linear_field(grid: Header, matrix: np.ndarray) -> PhysicalField:
    """A displacement that is linear in space, which linear resampling gives back exactly."""
    points = np.moveaxis(np.indices(grid.shape), 0, -1) @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    return PhysicalField(NAME, (points @ matrix.T).astype(np.float32), "ras", grid.affine)


def test_a_field_on_another_grid_is_resampled_in_space(
    fixed: Header, moving: Header, oblique: Callable[..., Header], caplog: pytest.LogCaptureFixture
) -> None:
    matrix = np.random.default_rng(0).normal(scale=0.1, size=(3, 3))
    larger = oblique((9, 11, 10), (40, 10, -30), (3, -3, 2.5), (0, 0, 0))
    larger.affine[:3, 3] = (fixed.affine @ (3, 2, 2.5, 1) - larger.affine @ (4, 5, 4.5, 1))[:3]
    converted = to_voxels(linear_field(larger, matrix), fixed, moving)
    assert "resampled linearly" in caplog.text
    assert "100 %" in caplog.text
    caplog.clear()
    assert np.allclose(converted, to_voxels(linear_field(fixed, matrix), fixed, moving), atol=1e-4)
    assert caplog.text == ""


def test_outside_its_grid_a_field_is_zero(fixed: Header, caplog: pytest.LogCaptureFixture) -> None:
    part = PhysicalField(NAME, np.ones((5, 5, 6, 3), np.float32), "ras", fixed.affine)
    with caplog.at_level(logging.WARNING):
        converted = to_voxels(part, fixed, fixed)
    # The last plane that has a sample is 4; the next one is a whole voxel beyond it.
    assert np.allclose(converted[:5], np.linalg.inv(fixed.affine[:3, :3]) @ (1, 1, 1), atol=1e-5)
    assert np.abs(converted[5:]).max() < 1e-6
    assert "zero outside" in caplog.text


def test_a_field_that_lies_elsewhere_is_refused(fixed: Header, lps_mm: np.ndarray) -> None:
    away = fixed.affine.copy()
    away[:3, 3] += 8
    with pytest.raises(DisplacementError, match=r"elsewhere.*at least 50%"):
        to_voxels(PhysicalField(NAME, lps_mm, "lps", away), fixed, fixed)


def test_rounding_of_an_affine_is_no_other_grid(
    fixed: Header, moving: Header, lps_mm: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    rounded = fixed.affine.astype(np.float32).astype(np.float64)
    to_voxels(PhysicalField(NAME, lps_mm, "lps", rounded), fixed, moving)
    assert caplog.text == ""


def test_values_beyond_float32_are_refused(fixed: Header, oblique: Callable[..., Header]) -> None:
    fine = oblique((6, 8, 5), (0, 0, 0), (1e-3, 1e-3, 1e-3), (0, 0, 0))
    field = PhysicalField(NAME, np.full((*fixed.shape, 3), 3e38, np.float32), "lps", fixed.affine)
    with pytest.raises(NonFiniteDisplacement, match=r"disp\.nii\.gz"):
        to_voxels(field, fixed, fine)


@given(shift=st.tuples(*[st.floats(-9, 9)] * 3), planes=st.integers(1, 35))
def test_a_shift_along_the_axes_in_any_number_of_planes(
    shift: tuple[float, float, float], planes: int, fixed: Header
) -> None:
    grid = replace(fixed, shape=(planes, 2, 3))
    field = np.broadcast_to(fixed.affine[:3, :3] @ shift, (*grid.shape, 3)).astype(np.float32)
    converted = to_voxels(PhysicalField(NAME, field, "ras", fixed.affine), grid, grid)
    assert np.allclose(converted, shift, atol=1e-4)


def test_maps_of_points_are_mirrored_on_both_sides() -> None:
    linear = np.arange(9.0).reshape(3, 3)
    lps = np.eye(4)
    lps[:3, :3], lps[:3, 3] = linear, (1, 2, 3)
    mirror = np.diag([-1.0, -1, 1, 1])
    assert np.array_equal(ras_affine(linear, lps[:3, 3], grid=False), mirror @ lps @ mirror)
    assert np.array_equal(ras_affine(linear, lps[:3, 3], grid=True), mirror @ lps)


@pytest.mark.parametrize(
    ("row", "values"), [(0, (0, 0, 0, 0)), (1, (2, 0, 0, 0)), (2, (0, 0, np.nan, 0)), (3, (0, 0, 1, 1))]
)
def test_what_is_no_invertible_affine_map(row: int, values: tuple[float, ...]) -> None:
    matrix = np.eye(4)
    matrix[row] = values
    with pytest.raises(ValueError, match="not an invertible affine map"):
        usable(matrix)
