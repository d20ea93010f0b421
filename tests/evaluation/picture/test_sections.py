"""Sections: the right voxels, turned as the patient is seen; determinants and targets that go with them."""

from pathlib import Path

import numpy as np
import pytest

from evaluation.metrics.jacobian import CROP, jacobian_determinants
from evaluation.picture.sections import sections_through
from pairs.images.header import Header

__all__: list[str] = []

SHAPE = (9, 11, 13)
VOXEL = (4, 5, 6)
PATIENT = {
    letter: {"axis": axis, "sign": sign}
    for axis, letters in enumerate(("RL", "AP", "SI"))
    for letter, sign in zip(letters, (1, -1), strict=True)
}


def header(codes: str, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0), placed: bool = True) -> Header:
    """A grid whose array axes run to the letters, such as "LPS"."""
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for axis, code in enumerate(codes):
        affine[PATIENT[code]["axis"], axis] = PATIENT[code]["sign"] * spacing[axis]
    return Header(Path("a.nii"), SHAPE, spacing, affine, np.dtype(np.float32), placed=placed)


@pytest.mark.parametrize("codes", ["RAS", "LPS", "RSP", "ASL", "IPR"])
def test_each_edge_is_the_side_that_its_letter_says(codes: str) -> None:
    grid = header(codes)
    # Along each axis, the part beyond the middle towards the letter of its end is bright.
    for letter in "RAS":
        axis = next(i for i, code in enumerate(codes) if PATIENT[code]["axis"] == PATIENT[letter]["axis"])
        ramp = np.arange(SHAPE[axis], dtype=np.float32)
        ramp = ramp if codes[axis] == letter else ramp[::-1]
        shape = [1, 1, 1]
        shape[axis] = -1
        volume = np.broadcast_to(ramp.reshape(shape), SHAPE).copy()
        for section in sections_through(VOXEL, grid, [np.ones(SHAPE, np.float32)]):
            cut = section.cut(volume)
            left, right, bottom, top = section.ends
            if letter == right:
                assert (np.diff(cut, axis=1) > 0).all()
            if letter == top:
                assert (np.diff(cut, axis=0) < 0).all()
            assert letter not in (left, bottom)


@pytest.mark.parametrize("codes", ["RAS", "LPS", "ASL"])
def test_the_voxel_is_on_all_three_sections(codes: str) -> None:
    volume = np.zeros(SHAPE, np.float32)
    volume[VOXEL] = 1
    sections = sections_through(VOXEL, header(codes), [np.ones(SHAPE, np.float32)])
    assert [one.name for one in sections] == ["axial", "coronal", "sagittal"]
    assert all(one.cut(volume).sum() == 1 for one in sections)
    for one in sections:
        ((row, column),) = np.argwhere(one.cut(volume))
        assert one.spot(VOXEL) == (column + 0.5, row + 0.5)
        assert (one.index, one.count) == (VOXEL[one.axis], SHAPE[one.axis])


def test_the_window_holds_what_is_not_empty() -> None:
    image = np.zeros(SHAPE, np.float32)
    image[3:6, 4:7, 5:8] = 1
    for section in sections_through(VOXEL, header("RAS"), [image]):
        assert section.cut(image).sum() == 9
        assert section.shape == (7, 7)


@pytest.mark.parametrize("codes", ["RAS", "LPS", "ASL"])
def test_determinants_are_those_of_the_volume(codes: str) -> None:
    u = np.random.default_rng(0).normal(0, 0.3, (*SHAPE, 3)).astype(np.float32)
    whole = np.pad(jacobian_determinants(u), CROP, constant_values=1.0)
    for voxel in (VOXEL, (0, 1, 12)):
        for section in sections_through(voxel, header(codes), [np.ones(SHAPE, np.float32)]):
            assert np.allclose(section.determinants(u), section.cut(whole))


@pytest.mark.parametrize("codes", ["RAS", "LPS", "ASL"])
def test_targets_follow_the_displacement_on_the_screen(codes: str) -> None:
    """A field that moves to the right of the patient leads to larger columns, to the head to smaller rows."""
    grid = header(codes)
    towards = np.linalg.inv(grid.affine[:3, :3]) @ np.array([2.0, 0.0, 1.0])
    u = np.broadcast_to(towards.astype(np.float32), (*SHAPE, 3))
    coronal = sections_through(VOXEL, grid, [np.ones(SHAPE, np.float32)])[1]
    columns, rows = coronal.targets(u)
    there = np.indices(coronal.shape, dtype=np.float64)
    assert np.allclose(columns - there[1], 2)
    assert np.allclose(rows - there[0], -1)


def test_a_grid_without_orientation_has_no_letters() -> None:
    sections = sections_through(VOXEL, header("RAS", placed=False), [np.ones(SHAPE, np.float32)])
    assert [one.name for one in sections] == ["across axis 3", "across axis 2", "across axis 1"]
    assert all(one.ends == () for one in sections)


def test_spacing_goes_with_the_axes() -> None:
    sections = sections_through(VOXEL, header("ASL", (1.0, 2.0, 3.0)), [np.ones(SHAPE, np.float32)])
    # Left to right is the third axis, back to front the first, foot to head the second.
    assert [one.spacing_mm for one in sections] == [(3.0, 1.0), (3.0, 2.0), (1.0, 2.0)]
