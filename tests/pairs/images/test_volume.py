"""Images and label probabilities: what is read, repaired with a warning, written."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from pairs.errors import BadLabels, CorruptVolume, NonFinite, OutputError
from pairs.images import voxels as voxels_module
from pairs.images.volume import read_header, read_image, read_labels, read_probabilities, write_volume

Ramp = Callable[..., np.ndarray]
Save = Callable[..., Path]

_VOX_OFFSET = 108
_SLOPE = 112


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII.GZ"])
def test_image_comes_back_with_its_grid(
    tmp_path: Path, affine: np.ndarray, ramp: Ramp, saved: Save, name: str
) -> None:
    array = ramp()
    plain = saved(tmp_path / "plain.nii", array).read_bytes()
    path = tmp_path / name
    path.write_bytes(gzip.compress(plain) if name.lower().endswith("gz") else plain)
    volume = read_image(path)
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_array_equal(volume.header.affine, affine)
    assert volume.array.dtype == np.float32
    assert volume.array.flags.c_contiguous
    assert volume.header.shape == (5, 4, 3)
    assert volume.header.spacing_mm == (1.5, 2.0, 3.0)
    assert volume.header.path == path
    assert volume.header.warnings == ()
    assert read_header(path).dtype == np.float32


@pytest.mark.parametrize("slab_voxels", [1, 20, 41, 10**6])
def test_slabs_of_any_size_give_the_same_volume(
    tmp_path: Path, ramp: Ramp, saved: Save, monkeypatch: pytest.MonkeyPatch, slab_voxels: int
) -> None:
    monkeypatch.setattr(voxels_module, "_SLAB_VOXELS", slab_voxels)
    path = saved(tmp_path / "a.nii.gz", ramp((5, 4, 7)))
    np.testing.assert_array_equal(read_image(path).array, ramp((5, 4, 7)))
    probabilities = np.full((3, 4, 5, 2), 0.5, dtype=np.float32)
    probabilities[1, 2, 3] = 0.25, 0.75
    np.testing.assert_array_equal(read_probabilities(saved(tmp_path / "p.nii", probabilities)), probabilities)


@pytest.mark.parametrize("dtype", [">f4", ">i2", ">f8", ">u2"])
def test_big_endian_files_are_read_alike(tmp_path: Path, affine: np.ndarray, ramp: Ramp, dtype: str) -> None:
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(dtype)
    path = tmp_path / "big.nii.gz"
    nib.save(nib.Nifti1Image(ramp(dtype=np.dtype(dtype).type), affine, header), path)
    volume = read_image(path)
    np.testing.assert_array_equal(volume.array, ramp())
    assert volume.array.dtype == np.dtype("=f4")
    assert volume.header.dtype.isnative
    labels = read_labels(path)
    assert labels.array.dtype == np.uint8
    np.testing.assert_array_equal(labels.array, ramp())


def test_nifti_2_is_read(tmp_path: Path, affine: np.ndarray, ramp: Ramp) -> None:
    path = tmp_path / "two.nii.gz"
    nib.save(nib.Nifti2Image(ramp(), affine), path)
    np.testing.assert_array_equal(read_image(path).array, ramp())


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.float64])
def test_every_number_type_becomes_float32(tmp_path: Path, ramp: Ramp, saved: Save, dtype: type) -> None:
    volume = read_image(saved(tmp_path / "a.nii.gz", ramp(dtype=dtype)))
    assert volume.array.dtype == np.float32
    np.testing.assert_array_equal(volume.array, ramp())


def test_slope_and_intercept_apply(tmp_path: Path, ramp: Ramp, patched: Save) -> None:
    scale = (_SLOPE, struct.pack("<ff", 0.5, -1024))
    path = patched(tmp_path / "a.nii", ramp(dtype=np.int16), scale)
    np.testing.assert_array_equal(read_image(path).array, ramp() * 0.5 - 1024)


@pytest.mark.parametrize("slope", [0.0, np.nan])
def test_slope_zero_or_nan_means_none(tmp_path: Path, ramp: Ramp, patched: Save, slope: float) -> None:
    path = patched(tmp_path / "a.nii", ramp(dtype=np.int16), (_SLOPE, struct.pack("<ff", slope, 7)))
    np.testing.assert_array_equal(read_image(path).array, ramp())


def test_infinite_intercept_is_refused(tmp_path: Path, ramp: Ramp, patched: Save) -> None:
    path = patched(tmp_path / "a.nii", ramp(), (_SLOPE, struct.pack("<ff", 1, np.inf)))
    with pytest.raises(CorruptVolume, match="invalid intercept"):
        read_image(path)


def test_header_extension_is_skipped_unread(tmp_path: Path, ramp: Ramp, saved: Save) -> None:
    plain = saved(tmp_path / "a.nii", ramp()).read_bytes()
    head = bytearray(plain[:352])
    head[348] = 1
    extension = struct.pack("<ii", 2**31 - 16, 4) + b"secret" + bytes(10**6)
    head[_VOX_OFFSET : _VOX_OFFSET + 4] = struct.pack("<f", 352 + len(extension))
    path = tmp_path / "b.nii.gz"
    path.write_bytes(gzip.compress(bytes(head) + extension + plain[352:]))
    np.testing.assert_array_equal(read_image(path).array, ramp())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_few_non_finite_voxels_become_the_minimum_with_a_warning(
    tmp_path: Path, ramp: Ramp, saved: Save, value: float
) -> None:
    array = ramp((10, 10, 10)) + 40
    array[3, 4, 5] = array[9, 9, 9] = value
    volume = read_image(saved(tmp_path / "a.nii.gz", array))
    assert volume.array[3, 4, 5] == volume.array[9, 9, 9] == 40
    assert np.isfinite(volume.array).all()
    assert any("2 NaN or infinite voxels" in warning for warning in volume.header.warnings)


@pytest.mark.parametrize(("bad", "refused"), [(10, False), (11, True), (1000, True)])
def test_share_of_non_finite_voxels_decides(
    tmp_path: Path, ramp: Ramp, saved: Save, bad: int, refused: bool
) -> None:
    array = ramp((10, 10, 10))
    array.flat[:bad] = np.nan
    path = saved(tmp_path / "a.nii.gz", array)
    if refused:
        with pytest.raises(NonFinite, match=f"{bad} of 1000"):
            read_image(path)
    else:
        assert read_image(path).array.min() == bad


def test_double_beyond_float32_counts_as_infinite(tmp_path: Path, ramp: Ramp, saved: Save) -> None:
    array = ramp((10, 10, 10), np.float64)
    array[0, 0, 1] = 1e300
    assert read_image(saved(tmp_path / "a.nii.gz", array)).array[0, 0, 1] == 0


def test_probabilities_must_sum_to_one_and_not_be_negative(tmp_path: Path, saved: Save) -> None:
    array = np.full((4, 3, 2, 5), 0.2)
    read = read_probabilities(saved(tmp_path / "a.nii.gz", array))
    assert (read.shape, read.dtype) == ((4, 3, 2, 5), np.float32)
    for wrong in (0.3, np.nan):
        bad = array.copy()
        bad[1, 1, 1, 0] = wrong
        with pytest.raises(BadLabels, match="sum to 1"):
            read_probabilities(saved(tmp_path / "b.nii.gz", bad))
    array[0, 0, 0, :2] = -0.2, 0.6
    with pytest.raises(BadLabels, match="negative"):
        read_probabilities(saved(tmp_path / "c.nii.gz", array))


def test_probabilities_of_one_class_keep_their_axis(tmp_path: Path, saved: Save) -> None:
    assert read_probabilities(saved(tmp_path / "a.nii.gz", np.ones((4, 3, 2)))).shape == (4, 3, 2, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.int64, np.float32, np.float64])
def test_written_volumes_keep_type_values_and_affine(
    tmp_path: Path, affine: np.ndarray, ramp: Ramp, dtype: type
) -> None:
    path = tmp_path / "a.nii.gz"
    write_volume(path, ramp(dtype=dtype), affine)
    image = nib.load(path)
    assert image.get_data_dtype() == dtype
    np.testing.assert_array_equal(np.asanyarray(image.dataobj), ramp())
    np.testing.assert_array_equal(image.affine, affine)
    assert read_header(path).warnings == ()


def test_same_volume_gives_the_same_bytes(tmp_path: Path, affine: np.ndarray, ramp: Ramp) -> None:
    write_volume(tmp_path / "a.nii.gz", ramp(), affine)
    write_volume(tmp_path / "b.nii.gz", ramp(), affine)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_no_private_header_text_reaches_an_output(tmp_path: Path, affine: np.ndarray, ramp: Ramp) -> None:
    image = nib.Nifti1Image(ramp(), affine)
    for key in ("descrip", "intent_name", "db_name", "aux_file"):
        image.header[key] = b"JANE DOE"
    image.header.extensions.append(nib.nifti1.Nifti1Extension(6, b"JANE DOE 1970"))
    nib.save(image, tmp_path / "in.nii")
    assert b"JANE DOE" in (tmp_path / "in.nii").read_bytes()
    volume = read_image(tmp_path / "in.nii")
    assert "JANE" not in repr(volume.header)
    write_volume(tmp_path / "out.nii", volume.array, volume.header.affine)
    assert b"JANE" not in (tmp_path / "out.nii").read_bytes()


def test_writing_into_an_absent_folder_is_an_output_error(
    tmp_path: Path, affine: np.ndarray, ramp: Ramp
) -> None:
    with pytest.raises(OutputError):
        write_volume(tmp_path / "no" / "a.nii.gz", ramp(), affine)


@pytest.mark.parametrize("task", ["HippocampusMR", "AbdomenMRMR", "OASIS"])
def test_real_volumes_are_read_as_nibabel_reads_them(shared: Path, task: str) -> None:
    path = min((shared / "data" / task / "imagesTr").glob("*.nii.gz"))
    image = nib.load(path)
    volume = read_image(path)
    np.testing.assert_array_equal(
        volume.array, np.asanyarray(image.dataobj).astype(np.float32).reshape(image.shape[:3])
    )
    np.testing.assert_array_equal(volume.header.affine, image.affine)
    label = min((shared / "data" / task / "labelsTr").glob("*.nii.gz"))
    labels = read_labels(label)
    assert labels.array.dtype == np.uint8
    np.testing.assert_array_equal(labels.array, np.asanyarray(nib.load(label).dataobj))


def test_a_grid_keeps_its_sform_and_its_qform(tmp_path: Path) -> None:
    turned = np.array([[0.0, -2, 0, 5], [2, 0, 0, 6], [0, 0, 2, 7], [0, 0, 0, 1]])
    image = nib.Nifti1Image(np.zeros((3, 4, 5), np.uint8), np.diag([-2.0, 2, 2, 1]))
    image.header.set_sform(np.diag([-2.0, 2, 2, 1]), code=4)
    image.header.set_qform(turned, code=1)
    nib.save(image, tmp_path / "a.nii.gz")
    header = read_header(tmp_path / "a.nii.gz")
    write_volume(tmp_path / "b.nii.gz", np.ones((3, 4, 5)), header.affine, forms=header.forms)
    kept = nib.load(tmp_path / "b.nii.gz").header
    assert (int(kept["sform_code"]), int(kept["qform_code"])) == (4, 1)
    assert np.allclose(kept.get_sform(), header.affine)
    assert np.allclose(kept.get_qform(), turned, atol=1e-6)


def test_a_grid_placed_by_its_qform_alone_stays_so(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.zeros((3, 4, 5), np.uint8), None)
    image.header.set_qform(np.diag([-2.0, 2, 3, 1]), code=1)
    nib.save(image, tmp_path / "a.nii.gz")
    header = read_header(tmp_path / "a.nii.gz")
    write_volume(tmp_path / "b.nii.gz", np.ones((3, 4, 5)), header.affine, forms=header.forms)
    kept = nib.load(tmp_path / "b.nii.gz")
    assert (int(kept.header["sform_code"]), int(kept.header["qform_code"])) == (0, 1)
    assert np.allclose(kept.affine, np.diag([-2.0, 2, 3, 1]))
