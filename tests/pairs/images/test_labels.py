"""Label maps keep their values in the smallest type."""

import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pairs.errors import BadLabels
from pairs.images import voxels as voxels_module
from pairs.images.volume import read_labels

Ramp = Callable[..., np.ndarray]
Save = Callable[..., Path]

_SLOPE = 112


@pytest.mark.parametrize(
    "dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64, np.float32, np.float64]
)
def test_labels_of_any_type_become_the_smallest(tmp_path: Path, ramp: Ramp, saved: Save, dtype: type) -> None:
    path = saved(tmp_path / "a.nii.gz", ramp(dtype=dtype))
    volume = read_labels(path)
    assert volume.array.dtype == np.uint8
    np.testing.assert_array_equal(volume.array, ramp())


@pytest.mark.parametrize(
    ("high", "low", "dtype"),
    [(255, 0, np.uint8), (256, 0, np.int16), (5, -1, np.int16), (32768, 0, np.int32), (2035, 0, np.int16)],
)
def test_label_type_holds_the_values(tmp_path: Path, saved: Save, high: int, low: int, dtype: type) -> None:
    array = np.zeros((5, 4, 3), dtype=np.int32)
    array[0, 0, 0], array[1, 1, 1] = high, low
    volume = read_labels(saved(tmp_path / "a.nii.gz", array))
    assert volume.array.dtype == dtype
    np.testing.assert_array_equal(volume.array, array)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_whole_floats_are_labels_and_others_are_not(tmp_path: Path, saved: Save, dtype: type) -> None:
    array = np.full((5, 4, 3), 3.0, dtype=dtype)
    assert read_labels(saved(tmp_path / "a.nii.gz", array)).array.max() == 3
    for wrong in (2.5, np.nan, np.inf):
        array[2, 2, 2] = wrong
        with pytest.raises(BadLabels, match="nearest neighbour"):
            read_labels(saved(tmp_path / "b.nii.gz", array))
    for wrong in (2.9999, 1 / 255, 2e-5):
        array[2, 2, 2] = wrong
        with pytest.raises(BadLabels, match="round it and save it as integers"):
            read_labels(saved(tmp_path / "b.nii.gz", array))


def test_scaled_labels_survive_the_rounding_of_the_slope(tmp_path: Path, ramp: Ramp, patched: Save) -> None:
    scale = (_SLOPE, struct.pack("<ff", 0.1, 0))
    array = read_labels(patched(tmp_path / "a.nii", ramp(dtype=np.int16) * 10, scale)).array
    np.testing.assert_array_equal(array, ramp())


@pytest.mark.parametrize("slope", [1.00001, 1 - 1e-5])
def test_labels_that_a_slope_left_beside_the_integers_are_rounded_and_told(
    tmp_path: Path, ramp: Ramp, patched: Save, slope: float
) -> None:
    scale = (_SLOPE, struct.pack("<ff", slope, 0))
    volume = read_labels(patched(tmp_path / "a.nii", ramp(dtype=np.int16), scale))
    np.testing.assert_array_equal(volume.array, ramp())
    assert "labels rounded to integers" in volume.header.warnings[-1]


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_labels_beyond_32_bits_are_refused(tmp_path: Path, saved: Save, value: int) -> None:
    array = np.zeros((5, 4, 3), dtype=np.int64)
    array[1, 1, 1] = value
    with pytest.raises(BadLabels, match="32-bit"):
        read_labels(saved(tmp_path / "a.nii.gz", array))


def test_double_labels_never_take_a_double_volume(
    tmp_path: Path, saved: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voxels_module, "_SLAB_VOXELS", 64 * 64)
    path = saved(tmp_path / "a.nii", np.ones((64, 64, 64)))
    tracemalloc.start()
    try:
        read_labels(path)
        assert tracemalloc.get_traced_memory()[1] < 64**3 * 8
    finally:
        tracemalloc.stop()
