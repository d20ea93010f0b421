"""Label maps keep their values in the smallest type."""

import struct
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from pairs import volume as volume_module
from pairs.errors import BadLabels
from pairs.volume import read_labels

_AFFINE = np.array([[0, -2, 0, 5], [1.5, 0, 0, -7], [0, 0, 3, 11], [0, 0, 0, 1]], dtype=np.float64)
_SLOPE = 112


def _ramp(shape: tuple[int, ...] = (5, 4, 3), dtype: type = np.float32) -> np.ndarray:
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def _saved(path: Path, array: np.ndarray, affine: np.ndarray = _AFFINE) -> Path:
    nib.save(nib.Nifti1Image(array, affine, dtype=array.dtype), path)
    return path


def _patched(path: Path, array: np.ndarray, *patches: tuple[int, bytes]) -> Path:
    """Writes a `.nii` and overwrites bytes of its header."""
    content = bytearray(_saved(path, array).read_bytes())
    for offset, replacement in patches:
        content[offset : offset + len(replacement)] = replacement
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64, np.float32, np.float64]
)
def test_labels_of_any_type_become_the_smallest(tmp_path: Path, dtype: type) -> None:
    path = _saved(tmp_path / "a.nii.gz", _ramp(dtype=dtype))
    volume = read_labels(path)
    assert volume.array.dtype == np.uint8
    np.testing.assert_array_equal(volume.array, _ramp())


@pytest.mark.parametrize(
    ("high", "low", "dtype"),
    [(255, 0, np.uint8), (256, 0, np.int16), (5, -1, np.int16), (32768, 0, np.int32), (2035, 0, np.int16)],
)
def test_label_type_holds_the_values(tmp_path: Path, high: int, low: int, dtype: type) -> None:
    array = np.zeros((5, 4, 3), dtype=np.int32)
    array[0, 0, 0], array[1, 1, 1] = high, low
    volume = read_labels(_saved(tmp_path / "a.nii.gz", array))
    assert volume.array.dtype == dtype
    np.testing.assert_array_equal(volume.array, array)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_whole_floats_are_labels_and_others_are_not(tmp_path: Path, dtype: type) -> None:
    array = np.full((5, 4, 3), 3.0, dtype=dtype)
    assert read_labels(_saved(tmp_path / "a.nii.gz", array)).array.max() == 3
    for wrong in (2.9999, 2.5, np.nan, np.inf):
        array[2, 2, 2] = wrong
        with pytest.raises(BadLabels, match="nearest neighbour"):
            read_labels(_saved(tmp_path / "b.nii.gz", array))


def test_scaled_labels_survive_the_rounding_of_the_slope(tmp_path: Path) -> None:
    scale = (_SLOPE, struct.pack("<ff", 0.1, 0))
    array = read_labels(_patched(tmp_path / "a.nii", _ramp(dtype=np.int16) * 10, scale)).array
    np.testing.assert_array_equal(array, _ramp())


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_labels_beyond_32_bits_are_refused(tmp_path: Path, value: int) -> None:
    array = np.zeros((5, 4, 3), dtype=np.int64)
    array[1, 1, 1] = value
    with pytest.raises(BadLabels, match="32-bit"):
        read_labels(_saved(tmp_path / "a.nii.gz", array))


def test_double_labels_never_take_a_double_volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume_module, "_SLAB_VOXELS", 64 * 64)
    path = _saved(tmp_path / "a.nii", np.ones((64, 64, 64)))
    tracemalloc.start()
    try:
        read_labels(path)
        assert tracemalloc.get_traced_memory()[1] < 64**3 * 8
    finally:
        tracemalloc.stop()
