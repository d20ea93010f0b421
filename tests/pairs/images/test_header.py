"""Grids, number types and affines of volumes."""

import struct
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from pairs.errors import CorruptVolume, VolumeError
from pairs.images.volume import read_header, read_image, read_labels

Ramp = Callable[..., np.ndarray]
Save = Callable[..., Path]

_DATATYPE = 70
_SROW_X = 280
_PIXDIM = 76
_QFORM_CODE = 252
_MAGIC = 344


@pytest.mark.parametrize("shape", [(5, 4, 3, 1), (5, 4, 3, 1, 1)])
def test_trailing_single_frames_are_squeezed(
    tmp_path: Path, ramp: Ramp, saved: Save, shape: tuple[int, ...]
) -> None:
    path = saved(tmp_path / "a.nii.gz", ramp(shape))
    assert read_header(path).shape == (5, 4, 3)
    np.testing.assert_array_equal(read_image(path).array, ramp())
    np.testing.assert_array_equal(read_labels(path).array, ramp())


@pytest.mark.parametrize("shape", [(5, 4, 3, 2), (5, 4, 3, 1, 3), (5, 4)])
def test_many_frames_vectors_and_slices_are_refused(
    tmp_path: Path, ramp: Ramp, saved: Save, shape: tuple[int, ...]
) -> None:
    path = saved(tmp_path / "a.nii.gz", ramp(shape))
    with pytest.raises(VolumeError, match=r"a\.nii\.gz; expected 3"):
        read_image(path)


def test_one_slice_thick_volume_stays_three_dimensional(tmp_path: Path, ramp: Ramp, saved: Save) -> None:
    assert read_image(saved(tmp_path / "a.nii.gz", ramp((5, 4, 1)))).array.shape == (5, 4, 1)


def test_rgb_complex_and_unknown_number_types_are_refused(
    tmp_path: Path, ramp: Ramp, saved: Save, patched: Save
) -> None:
    rgb = np.zeros((5, 4, 3), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    saved(tmp_path / "rgb.nii.gz", rgb)
    saved(tmp_path / "complex.nii.gz", np.zeros((5, 4, 3), dtype=np.complex64))
    for name, kind in (("rgb.nii.gz", "RGB"), ("complex.nii.gz", "complex64")):
        with pytest.raises(VolumeError, match=f"number type.*{kind}"):
            read_image(tmp_path / name)
    path = patched(tmp_path / "odd.nii", ramp(), (_DATATYPE, struct.pack("<h", 12345)))
    with pytest.raises(CorruptVolume, match="invalid"):
        read_image(path)


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        ((0, 0, 0), "affine is singular"),
        ((0, 1.5, 0), "affine is singular"),
        ((np.nan, 1, 1), "affine holds NaN"),
        ((np.inf, 1, 1), "affine holds NaN"),
    ],
)
def test_singular_and_nan_affines_are_refused(
    tmp_path: Path,
    affine: np.ndarray,
    ramp: Ramp,
    patched: Save,
    column: tuple[float, float, float],
    sentence: str,
) -> None:
    damaged = affine.copy()
    damaged[:3, 1] = column
    path = patched(tmp_path / "a.nii", ramp(), (_SROW_X, damaged[:3].astype("<f4").tobytes()))
    with pytest.raises(VolumeError, match=sentence):
        read_image(path)


def test_sheared_affine_is_kept(tmp_path: Path, affine: np.ndarray, ramp: Ramp, saved: Save) -> None:
    sheared = affine.copy()
    sheared[0, 2] = 1
    path = saved(tmp_path / "a.nii.gz", ramp(), sheared)
    np.testing.assert_array_equal(read_image(path).header.affine, sheared)


def test_differing_sform_and_qform_warn_and_the_sform_wins(
    tmp_path: Path, affine: np.ndarray, ramp: Ramp
) -> None:
    image = nib.Nifti1Image(ramp(), affine)
    image.set_qform(np.diag([1, 1, 1, 1]), code=1)
    image.set_sform(affine, code=1)
    nib.save(image, tmp_path / "a.nii.gz")
    header = read_header(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(header.affine, affine)
    assert len(header.warnings) == 1
    assert "sform and qform differ" in header.warnings[0]


def test_agreeing_sform_and_qform_do_not_warn(tmp_path: Path, affine: np.ndarray, ramp: Ramp) -> None:
    image = nib.Nifti1Image(ramp(), affine)
    image.set_qform(affine, code=1)
    nib.save(image, tmp_path / "a.nii.gz")
    assert read_header(tmp_path / "a.nii.gz").warnings == ()


def test_a_qform_that_is_no_rotation_is_told_beside_a_good_sform(
    tmp_path: Path, affine: np.ndarray, ramp: Ramp, patched: Save
) -> None:
    beside = (_QFORM_CODE, struct.pack("<hhf", 1, 1, 1.5))
    header = read_header(patched(tmp_path / "a.nii", ramp(), beside))
    np.testing.assert_allclose(header.affine, affine)
    assert "qform is invalid" in header.warnings[0]
    alone = (_QFORM_CODE, struct.pack("<hhf", 1, 0, 1.5))
    with pytest.raises(CorruptVolume, match="no valid affine"):
        read_header(patched(tmp_path / "b.nii", ramp(), alone))


def test_a_quaternion_that_rounding_left_above_unit_length_is_one(
    tmp_path: Path, ramp: Ramp, patched: Save
) -> None:
    half_turn = (_QFORM_CODE, struct.pack("<hhfff", 1, 0, 1.0000002, 0, 0))
    unmirrored = (_PIXDIM, struct.pack("<f", 1))
    header = read_header(patched(tmp_path / "a.nii", ramp(), half_turn, unmirrored))
    np.testing.assert_allclose(np.diag(header.affine)[:3] / header.spacing_mm, (1, -1, -1), atol=1e-6)


def test_the_mark_of_a_header_without_voxels_is_told_where_the_voxels_follow(
    tmp_path: Path, ramp: Ramp, patched: Save
) -> None:
    path = patched(tmp_path / "a.nii", ramp(), (_MAGIC, b"ni1"))
    np.testing.assert_array_equal(read_image(path).array, ramp())
    assert "read as one file" in read_header(path).warnings[0]


def test_qform_alone_is_used_and_neither_warns(tmp_path: Path, affine: np.ndarray, ramp: Ramp) -> None:
    image = nib.Nifti1Image(ramp(), affine)
    image.set_qform(affine, code=1)
    image.set_sform(None, code=0)
    nib.save(image, tmp_path / "q.nii.gz")
    header = read_header(tmp_path / "q.nii.gz")
    np.testing.assert_allclose(header.affine, affine, atol=1e-5)
    assert header.warnings == ()
    image.set_qform(None, code=0)
    nib.save(image, tmp_path / "none.nii.gz")
    header = read_header(tmp_path / "none.nii.gz")
    np.testing.assert_allclose(header.spacing_mm, (1.5, 2, 3))
    assert "pixdim" in header.warnings[0]


def test_affine_of_a_header_cannot_be_changed(tmp_path: Path, ramp: Ramp, saved: Save) -> None:
    header = read_header(saved(tmp_path / "a.nii", ramp()))
    with pytest.raises(ValueError, match="read-only"):
        header.affine[0, 0] = 3
