"""Images, label maps and points in memory are warped as their files are."""

import doctest
from pathlib import Path

import numpy as np
import pytest

from benchmarks.codec import smooth_field
from pairs.errors import BadPoints, GridMismatch, UsageError
from pairs.fields.field import field_from_array
from pairs.images.given import volume
from pairs.images.volume import write_volume
from transforms import warping
from transforms.warping import warp

__all__: list[str] = []

AFFINE = np.diag([2.0, 1.5, 1, 1])
SHAPE, OTHER = (20, 18, 16), (14, 15, 22)
FIXED, MOVING = volume(np.zeros(SHAPE), AFFINE), volume(np.zeros(OTHER), np.diag([2.6, 1.8, 0.8, 1]))
FIELD = field_from_array(smooth_field(SHAPE, 2.0), FIXED)
IMAGE = np.random.default_rng(0).integers(0, 9, OTHER, np.uint8)


def test_the_example_runs() -> None:
    result = doctest.testmod(warping)
    assert result.attempted > 0
    assert result.failed == 0


def test_arrays_volumes_and_files_give_the_same(tmp_path: Path) -> None:
    write_volume(tmp_path / "m.nii.gz", IMAGE, MOVING.header.affine)
    held = volume(IMAGE, MOVING.header.affine)
    way = warp(FIELD, moving=tmp_path / "m.nii.gz")
    for found in (way.image, way.labels):
        of_file, of_path = found(tmp_path / "m.nii.gz"), found(str(tmp_path / "m.nii.gz"))
        assert of_file.shape == SHAPE
        assert of_file.dtype == np.uint8
        assert of_file.any()
        for other in (of_path, found(held), found(IMAGE)):
            assert np.array_equal(of_file, other)


def test_an_array_lies_on_the_grid_that_it_is_warped_from() -> None:
    assert warp(FIELD, moving=MOVING).image(IMAGE).shape == SHAPE
    back = warp(FIELD, moving=MOVING, inverse=True)
    assert back.image(np.ones(SHAPE)).shape == OTHER
    with pytest.raises(GridMismatch, match="array"):
        back.image(IMAGE)


def test_the_fixed_image_is_that_of_the_first_field() -> None:
    shift = np.eye(4)
    shift[0, 3] = 4
    assert warp(FIELD).grid is FIELD.grid
    assert warp(shift, fixed=FIXED).points([[1, 2, 3]]).coordinates.tolist() == [[3, 2, 3]]
    with pytest.raises(UsageError, match="no fixed image"):
        warp(shift)


def test_points_are_three_numbers_each() -> None:
    with pytest.raises(BadPoints, match=r"expected \(N, 3\), got \(3,\)"):
        warp(FIELD).points([1, 2, 3])
