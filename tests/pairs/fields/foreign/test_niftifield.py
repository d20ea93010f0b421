"""NIfTI fields of ITK's form, and everything that is not one."""

import gzip
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from pairs.errors import DisplacementError, NonFiniteDisplacement
from pairs.fields.foreign.niftifield import read_nifti_field

SHAPE = (4, 3, 2)
MANY = 10**6
AFFINE = np.array([[0, -2, 0, 5], [1.5, 0, 0, -7], [0, 0, 3, 11], [0, 0, 0, 1]], dtype=np.float64)
FIELD = np.arange(72, dtype=np.float32).reshape(*SHAPE, 3)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.dtype(">f4")])
@pytest.mark.parametrize(("intent", "frame"), [(1007, "lps"), (1006, "ras")])
def test_fields_as_they_are_written(
    name: str,
    dtype: np.dtype,
    intent: int,
    frame: str,
    nifti_field: Callable[..., Path],
    tmp_path: Path,
) -> None:
    field = read_nifti_field(nifti_field(tmp_path / name, FIELD.astype(dtype), AFFINE, intent), MANY)
    assert field.frame == frame
    assert field.displacement_mm.dtype == np.float32
    assert np.array_equal(field.displacement_mm, FIELD)
    assert np.array_equal(field.affine, AFFINE)


def test_the_sform_goes_before_the_qform(nifti_field: Callable[..., Path], tmp_path: Path) -> None:
    path = nifti_field(tmp_path / "a.nii", FIELD, AFFINE)
    image = nib.load(path)
    image.set_qform(np.diag([2.0, 2, 2, 1]), 1)
    nib.save(image, tmp_path / "b.nii")
    assert np.array_equal(read_nifti_field(tmp_path / "b.nii", MANY).affine, AFFINE)


def test_a_slope_is_applied(nifti_field: Callable[..., Path], tmp_path: Path) -> None:
    path = nifti_field(tmp_path / "a.nii", FIELD, AFFINE)
    content = bytearray(path.read_bytes())
    content[112:120] = np.array([2, 1], "<f4").tobytes()
    path.write_bytes(content)
    assert np.array_equal(read_nifti_field(path, MANY).displacement_mm, 2 * FIELD + 1)


@pytest.mark.parametrize(
    ("array", "intent", "reason"),
    [
        (FIELD[:, :, :, None, :2], 1007, "three components per voxel, got 2"),
        (FIELD, 1007, r"five axes.*got \(4, 3, 2, 3\)"),
        (FIELD[:, :, None], 1007, r"five axes.*got \(4, 3, 1, 2, 3\)|too large|three components"),
        (FIELD[:, :, :, None], 0, "intent 1007.*got 0"),
        (FIELD[:, :, :, None], 1001, "intent 1007.*got 1001"),
        (FIELD[:, :, :, None].astype(np.int16), 1007, "components of type int16"),
    ],
)
def test_what_is_no_displacement_field(array: np.ndarray, intent: int, reason: str, tmp_path: Path) -> None:
    image = nib.Nifti1Image(array, AFFINE, dtype=array.dtype)
    image.header.set_intent(intent, allow_unknown=True)
    nib.save(image, tmp_path / "a.nii.gz")
    with pytest.raises(DisplacementError, match=reason):
        read_nifti_field(tmp_path / "a.nii.gz", MANY)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(value: float, nifti_field: Callable[..., Path], tmp_path: Path) -> None:
    field = FIELD.copy()
    field[1, 1, 1, 1] = value
    with pytest.raises(NonFiniteDisplacement, match=r"a\.nii.*1 of 72"):
        read_nifti_field(nifti_field(tmp_path / "a.nii", field, AFFINE), MANY)


@pytest.mark.parametrize("share", [0, 0.3, 0.6, 0.99])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_truncated_files(share: float, name: str, nifti_field: Callable[..., Path], tmp_path: Path) -> None:
    path = nifti_field(tmp_path / name, FIELD, AFFINE)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DisplacementError, match="cannot be read"):
        read_nifti_field(path, MANY)


def test_missing_and_misnamed_files(nifti_field: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(DisplacementError, match=r"missing: .*none\.nii"):
        read_nifti_field(tmp_path / "none.nii", MANY)
    nifti_field(tmp_path / "a.nii", FIELD, AFFINE).rename(tmp_path / "a.nii.gz")
    with pytest.raises(DisplacementError, match="cannot be read"):
        read_nifti_field(tmp_path / "a.nii.gz", MANY)


def test_more_data_than_is_declared(nifti_field: Callable[..., Path], tmp_path: Path) -> None:
    plain = nifti_field(tmp_path / "a.nii", FIELD, AFFINE).read_bytes()
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(plain + bytes(10**6)))
    with pytest.raises(DisplacementError, match="more data"):
        read_nifti_field(tmp_path / "b.nii.gz", MANY)


def test_too_many_voxels_are_refused_before_they_are_read(
    nifti_field: Callable[..., Path], tmp_path: Path
) -> None:
    path = nifti_field(tmp_path / "a.nii", FIELD, AFFINE)
    with pytest.raises(DisplacementError, match=r"too large.*up to 23 voxels"):
        read_nifti_field(path, 23)
    content = bytearray(path.read_bytes())
    content[42:48] = np.full(3, 32000, "<i2").tobytes()
    path.write_bytes(content)
    with pytest.raises(DisplacementError, match="too large"):
        read_nifti_field(path, MANY)


@pytest.mark.parametrize(
    ("offset", "patch"),
    [
        (40, np.array([9], "<i2").tobytes()),
        (42, np.array([-4], "<i2").tobytes()),
        (280, np.array([np.nan], "<f4").tobytes()),
        (284, bytes(4)),
        (108, np.array([1e9], "<f4").tobytes()),
        (344, b"ni1\0"),
        (70, np.array([1792], "<i2").tobytes()),
    ],
)
def test_damaged_headers(offset: int, patch: bytes, nifti_field: Callable[..., Path], tmp_path: Path) -> None:
    path = nifti_field(tmp_path / "a.nii", FIELD, AFFINE)
    content = bytearray(path.read_bytes())
    content[offset : offset + len(patch)] = patch
    path.write_bytes(content)
    with pytest.raises(DisplacementError) as caught:
        read_nifti_field(path, MANY)
    assert "a.nii" in str(caught.value)
