"""Field files that are damaged, hostile or of an unknown layout."""

import gzip
import io
import tracemalloc
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from pairs.errors import DisplacementError
from pairs.fields.fieldfile import field_layout, read_stored_field, write_array

SHAPE = (8, 6, 10)
HALF = np.zeros((3, 4, 3, 5), np.float16)
FULL = np.zeros((8, 6, 10, 3), np.float32)


def npy_bytes(header: str, data: bytes, version: bytes = b"\x01\x00") -> bytes:
    text = header.encode() + b"\n"
    width = 2 if version == b"\x01\x00" else 4
    return b"\x93NUMPY" + version + len(text).to_bytes(width, "little") + text + data


def write_members(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def nifti_bytes(array: np.ndarray) -> bytearray:
    return bytearray(nib.Nifti1Image(array, np.eye(4)).to_bytes())


def refused(path: Path, words: str) -> None:
    with pytest.raises(DisplacementError, match=words):
        read_stored_field(path, SHAPE)


def test_a_pickled_object_is_never_loaded(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([print], dtype=object), allow_pickle=True)
    refused(write_members(tmp_path / "a.npz", arr_0=buffer.getvalue()), "unknown layout.*object")


def test_a_declared_giant_is_refused_without_taking_memory(tmp_path: Path) -> None:
    header = "{'descr': '<f2', 'fortran_order': False, 'shape': (3, 250, 200, 100)}"
    path = write_members(tmp_path / "bomb.npz", arr_0=npy_bytes(header, bytes(30_000_000)))
    assert path.stat().st_size < 40_000
    tracemalloc.start()
    refused(path, r"unknown layout.*\(3, 250, 200, 100\)")
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()


def test_a_member_longer_than_its_array_is_refused(tmp_path: Path) -> None:
    header = "{'descr': '<f2', 'fortran_order': False, 'shape': (3, 4, 3, 5)}"
    refused(write_members(tmp_path / "a.npz", arr_0=npy_bytes(header, bytes(361))), "declares")
    refused(write_members(tmp_path / "b.npz", arr_0=npy_bytes(header, bytes(359))), "declares")
    refused(
        write_members(tmp_path / "c.npz", arr_0=npy_bytes(header, bytes(360), b"\x02\x00")), "version 1.0"
    )


def test_exactly_one_array(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", HALF, HALF)
    refused(tmp_path / "two.npz", r"exactly one array.*2 \(arr_0.npy, arr_1.npy\)")
    np.savez(tmp_path / "none.npz")
    refused(tmp_path / "none.npz", "exactly one array")


@pytest.mark.parametrize("name", ["a.npz", "a.nii.gz"])
@pytest.mark.parametrize("content", [b"", b"\x00" * 400, b"\x1f\x8b\x08\x00", b"PK\x03\x04" + b"\x00" * 40])
def test_files_of_another_kind(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, "cannot be read")


@pytest.mark.parametrize(
    "header", ["(" * 5000, "{'descr': '<f2'}", "\x00\xff", "{'shape': __import__('os')}"]
)
def test_array_headers_that_are_no_headers(tmp_path: Path, header: str) -> None:
    refused(write_members(tmp_path / "a.npz", arr_0=npy_bytes(header, b"")), "cannot be read")


@pytest.mark.parametrize("name", ["a.npz", "a.nii.gz"])
def test_truncated_and_flipped_files(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).normal(size=FULL.shape).astype(np.float32)
    path = tmp_path / name
    write_array(path, noise)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, "cannot be read")
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x55
    path.write_bytes(flipped)
    refused(path, "cannot be read")


def test_nifti_that_declares_other_sizes(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(nifti_bytes(FULL) + b"more"))
    refused(path, "more data")
    path.write_bytes(gzip.compress(nifti_bytes(FULL)[:-1]))
    refused(path, "ends after")
    far = nifti_bytes(FULL)
    far[108:112] = np.float32(1e9).tobytes()
    path.write_bytes(gzip.compress(far))
    refused(path, "start at byte")


def test_itk_vector_layout_is_named_in_the_refusal(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(nifti_bytes(FULL[:, :, :, None])))
    refused(path, r"expected one of .*l2r2022 \(8, 6, 10, 3\).*got .nii.gz \(8, 6, 10, 1, 3\) float32")


def test_nifti_scaling_and_byte_order_are_applied(tmp_path: Path) -> None:
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(np.int16)
    header.set_data_shape(FULL.shape)
    header.set_slope_inter(0.5, -1)
    header["vox_offset"] = 352
    data = np.full(FULL.shape, 6, ">i2").tobytes()
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(header.binaryblock + bytes(4) + data))
    assert np.array_equal(read_stored_field(tmp_path / "a.nii.gz", SHAPE).array, FULL + 2)


def test_missing_files_and_other_names(tmp_path: Path) -> None:
    refused(tmp_path / "a.npz", "missing")
    refused(tmp_path / "a.nii", r"expected a name in .npz or .nii.gz")
    (tmp_path / "folder.npz").mkdir()
    refused(tmp_path / "folder.npz", "missing")


@pytest.mark.parametrize(
    ("name", "array", "profile"), [("a.npz", HALF, "l2r2021"), ("a.nii.gz", FULL, "l2r2022")]
)
def test_headers_tell_the_layout_of_a_file_without_its_data(
    tmp_path: Path, name: str, array: np.ndarray, profile: str
) -> None:
    write_array(tmp_path / name, array)
    assert field_layout(tmp_path / name, SHAPE) == read_stored_field(tmp_path / name, SHAPE).layout
    assert field_layout(tmp_path / name, SHAPE).profile.name == profile
    with pytest.raises(DisplacementError, match="unknown layout"):
        field_layout(tmp_path / name, (8, 6, 12))
