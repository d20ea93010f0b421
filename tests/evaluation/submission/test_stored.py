"""Any file is looked at without trusting it; what is read is what the file declares."""

import gzip
import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from evaluation.submission.stored import inspect, load
from pairs.errors import DisplacementError
from pairs.fields.fieldfile import write_array

FIELD = np.random.default_rng(0).normal(size=(4, 5, 6, 3)).astype(np.float32)


def read(path: Path) -> np.ndarray:
    stored = inspect(path)
    return load(stored, stored.heads[0])


def nifti(array: np.ndarray, order: str = "<", slope: float = 1, code: int = 16, version: int = 1) -> bytes:
    """A NIfTI of its own making, so that the reader is not tested against the writer of this project."""
    sides = [array.ndim, *array.shape, *[1] * (7 - array.ndim)]
    if version == 1:
        head = bytearray(352)
        struct.pack_into(order + "i", head, 0, 348)
        struct.pack_into(order + "8h", head, 40, *sides)
        struct.pack_into(order + "h", head, 70, code)
        struct.pack_into(order + "3f", head, 108, 352, slope, 0)
        head[344:348] = b"n+1\0"
    else:
        head = bytearray(544)
        struct.pack_into(order + "i", head, 0, 540)
        head[4:8] = b"n+2\0"
        struct.pack_into(order + "h", head, 12, code)
        struct.pack_into(order + "8q", head, 16, *sides)
        struct.pack_into(order + "q2d", head, 168, 544, slope, 0)
    return bytes(head) + array.astype(array.dtype.newbyteorder(order)).tobytes(order="F")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("packed", [True, False])
def test_nifti_of_each_kind(tmp_path: Path, order: str, version: int, packed: bool) -> None:
    content = nifti(FIELD, order, slope=2, version=version)
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(content) if packed else content)
    stored = inspect(path)
    assert stored.kind == ("nifti-gz" if packed else "nifti")
    (head,) = stored.heads
    assert (head.shape, head.real, head.type_name) == (FIELD.shape, True, "float32")
    assert np.allclose(load(stored, head), 2 * FIELD)


def test_what_the_codec_writes_is_read(tmp_path: Path) -> None:
    for name in ("a.npz", "a.nii.gz"):
        write_array(tmp_path / name, FIELD)
        stored = inspect(tmp_path / name)
        assert np.array_equal(load(stored, stored.heads[0]), FIELD)
    np.save(tmp_path / "a.npy", FIELD)
    stored = inspect(tmp_path / "a.npy")
    assert stored.kind == "npy"
    assert np.array_equal(load(stored, stored.heads[0]), FIELD)


def test_a_pickle_is_seen_and_never_loaded(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "unpickled",))

    path = tmp_path / "a.npz"
    np.savez(path, arr_0=np.array([Bomb()], dtype=object))
    stored = inspect(path)
    assert stored.heads[0].pickled
    with pytest.raises(DisplacementError, match="real numbers"):
        load(stored, stored.heads[0])
    assert not (tmp_path / "unpickled").exists()


def test_a_declared_giant_takes_no_memory(tmp_path: Path) -> None:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (9000, 9000, 9000, 3)}\n"
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(30_000_000)
        archive.writestr("arr_0.npy", content)
    tracemalloc.start()
    assert inspect(path).heads[0].shape == (9000, 9000, 9000, 3)
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["a.npz", "a.nii.gz"])
def test_truncated_and_flipped_files(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_array(path, FIELD)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x55
    for content in (whole[: len(whole) // 2], bytes(flipped), whole[:-4]):
        path.write_bytes(content)
        with pytest.raises(DisplacementError, match="cannot be read"):
            read(path)


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04", b"\x1f\x8b\x08", b"\x93NUMPY\x02\x00\xff\xff\xff\xff", b"x" * 600, b"", bytes(400)],
)
def test_files_of_no_kind(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DisplacementError, match="cannot be read"):
        inspect(tmp_path / "a.npz")


def test_more_or_less_data_than_declared(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    for content in (nifti(FIELD)[:-1], nifti(FIELD) + b"x"):
        path.write_bytes(gzip.compress(content))
        stored = inspect(path)
        with pytest.raises(DisplacementError, match=r"declare"):
            load(stored, stored.heads[0])


def test_other_members_and_several_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, u=FIELD, spacing=np.ones(3))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("notes.txt", "x")
    stored = inspect(path)
    assert [head.key for head in stored.heads] == ["u", "spacing"]
    assert stored.others == ("notes.txt",)


def test_types_without_real_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    path.write_bytes(nifti(FIELD, code=32))
    (head,) = inspect(path).heads
    assert (head.real, head.type_name) == (False, "complex64")
    path.write_bytes(nifti(FIELD, code=77))
    with pytest.raises(DisplacementError, match="data code 77 not recognized"):
        inspect(path)


def test_complex_numbers_in_an_npz(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, FIELD.astype(np.complex64))
    (tmp_path / "a.npz").write_bytes(buffer.getvalue())
    assert not inspect(tmp_path / "a.npz").heads[0].real
