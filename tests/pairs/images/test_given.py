"""Images in memory are taken as their files would be, and are left as they were."""

import doctest
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pairs.errors import BadLabels, GridMismatch, NonFinite, VolumeError
from pairs.images import given as module
from pairs.images.given import frames_from, header_from, image_from, labels_from, source_of, volume
from pairs.images.volume import read_image, read_labels, write_volume

__all__: list[str] = []

AFFINE = np.array([[0, -2.0, 0, 5], [1.5, 0, 0, -3], [0, 0, 4, 1], [0, 0, 0, 1]])


def test_the_example_runs() -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_a_volume_is_what_its_file_is(tmp_path: Path, dtype: type) -> None:
    array = np.arange(60).reshape(3, 4, 5).astype(dtype)
    write_volume(tmp_path / "a.nii.gz", array, AFFINE)
    of_file, of_memory = (image_from(one) for one in (tmp_path / "a.nii.gz", volume(array, AFFINE)))
    assert np.array_equal(of_file.array, of_memory.array)
    assert of_memory.array.dtype == np.float32
    assert np.array_equal(of_file.header.affine, of_memory.header.affine)
    assert of_file.header.spacing_mm == pytest.approx(of_memory.header.spacing_mm)
    assert of_file.header.shape == header_from(array).shape == (3, 4, 5)


def test_an_array_alone_has_voxels_of_a_millimetre_or_the_grid_that_it_lies_on() -> None:
    array = np.zeros((3, 4, 5))
    assert np.array_equal(header_from(array).affine, np.eye(4))
    grid = volume(array, AFFINE).header
    assert np.array_equal(header_from(source_of(array, grid)).affine, AFFINE)
    with pytest.raises(GridMismatch, match=r"expected \(3, 4, 5\), got \(3, 4, 6\)"):
        source_of(np.zeros((3, 4, 6)), grid)


def test_what_is_not_finite_is_replaced_in_a_copy() -> None:
    array = np.full((10, 10, 10), 7, np.float32)
    array[0, 0, 0] = np.nan
    taken = image_from(volume(array))
    assert taken.array[0, 0, 0] == 7
    assert taken.header.warnings == ("1 NaN or infinite voxels replaced by the minimum 7",)
    assert np.isnan(array[0, 0, 0])
    with pytest.raises(NonFinite, match="array"):
        image_from(volume(np.full((3, 4, 5), np.inf)))


def test_labels_are_whole_numbers_of_the_smallest_type(tmp_path: Path) -> None:
    labels = np.arange(60, dtype=np.int64).reshape(3, 4, 5)
    write_volume(tmp_path / "a.nii.gz", labels.astype(np.int32), np.eye(4))
    of_memory, of_file = labels_from(volume(labels)), read_labels(tmp_path / "a.nii.gz")
    assert of_memory.array.dtype == of_file.array.dtype == np.uint8
    assert np.array_equal(of_memory.array, of_file.array)
    assert labels_from(volume(labels > 3)).array.sum() == 56
    with pytest.raises(BadLabels, match="my labels"):
        labels_from(volume(labels + 0.5, name="my labels"))


def test_frames_keep_whole_numbers() -> None:
    assert frames_from(volume(np.zeros((3, 4, 5), np.int16))).array.dtype == np.int16
    assert frames_from(volume(np.zeros((3, 4, 5)))).array.dtype == np.float32


@pytest.mark.parametrize(
    ("array", "affine"),
    [
        (np.zeros((4, 5)), None),
        (np.zeros((4, 5, 6, 2)), None),
        (np.zeros((4, 0, 6)), None),
        (np.zeros((4, 5, 6), complex), None),
        (np.full((4, 5, 6), "a"), None),
        (np.zeros((4, 5, 6)), np.zeros((4, 4))),
        (np.zeros((4, 5, 6)), np.eye(3)),
        (np.zeros((4, 5, 6)), np.full((4, 4), np.nan)),
    ],
)
def test_what_is_no_image_is_refused(array: np.ndarray, affine: Any) -> None:  # noqa: ANN401
    with pytest.raises(VolumeError, match=r"no image|singular"):
        volume(array, affine)


def test_files_are_read_as_they_were(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nii.gz", np.ones((3, 4, 5), np.float32), AFFINE)
    assert source_of(str(tmp_path / "a.nii.gz")) == tmp_path / "a.nii.gz"
    held = read_image(tmp_path / "a.nii.gz")
    assert source_of(held) is held
    assert image_from(held) is held
