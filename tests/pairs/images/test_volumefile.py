"""Damaged and oversized volume files are refused by name and without memory."""

import contextlib
import gzip
import os
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairs.errors import CorruptVolume, MissingVolume, VolumeError
from pairs.images.volume import read_header, read_image, read_labels
from pairs.images.volumefile import open_volume

Ramp = Callable[..., np.ndarray]
Save = Callable[..., Path]

_DIM = 40
_VOX_OFFSET = 108
_MAGIC = 344


def test_missing_file_folder_and_pipe_are_missing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nii")
    (tmp_path / "folder.nii.gz").mkdir()
    for name in ("absent.nii.gz", "pipe.nii", "folder.nii.gz", "pipe.nii/below.nii"):
        with pytest.raises(MissingVolume, match=r"\.nii"):
            read_image(tmp_path / name)


@pytest.mark.parametrize(
    "error", [KeyError("dim"), IndexError("7"), struct.error("4 bytes"), OverflowError()]
)
def test_whatever_reading_raises_is_told_as_damage(tmp_path: Path, saved: Save, error: Exception) -> None:
    path = saved(tmp_path / "a.nii.gz", np.zeros((3, 3, 3), np.float32))
    damage = pytest.raises(CorruptVolume, match=rf"damaged: .*a\.nii\.gz; got {type(error).__name__}")
    with damage as told, open_volume(path):
        raise error
    assert told.value.__cause__ is error


def test_too_little_memory_is_no_damage(tmp_path: Path, saved: Save) -> None:
    path = saved(tmp_path / "a.nii.gz", np.zeros((3, 3, 3), np.float32))
    with pytest.raises(MemoryError), open_volume(path):
        raise MemoryError


def test_zero_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").touch()
    with pytest.raises(CorruptVolume, match="zero bytes"):
        read_header(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("kept", [3, 15, 30, -200, -9, -4, -1])
def test_truncated_gzip(tmp_path: Path, saved: Save, kept: int) -> None:
    rng = np.random.default_rng(0)
    content = saved(tmp_path / "a.nii.gz", rng.integers(0, 99, (9, 9, 9), dtype=np.int32)).read_bytes()
    path = tmp_path / "cut.nii.gz"
    path.write_bytes(content[:kept])
    for read in (read_image, read_labels):
        with pytest.raises(CorruptVolume, match=r"cut\.nii\.gz"):
            read(path)


def test_crc_error_behind_intact_voxels(tmp_path: Path, ramp: Ramp, saved: Save) -> None:
    path = saved(tmp_path / "a.nii.gz", ramp())
    content = bytearray(path.read_bytes())
    content[-6] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(CorruptVolume, match="CRC"):
        read_image(path)


def test_damage_inside_the_compressed_data(tmp_path: Path, saved: Save) -> None:
    rng = np.random.default_rng(0)
    path = saved(tmp_path / "a.nii.gz", rng.random((20, 20, 20), dtype=np.float32))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 40] = bytes(40)
    path.write_bytes(content)
    with pytest.raises(CorruptVolume):
        read_image(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.nii", b"hello"),
        ("a.nii", b"\0" * 1000),
        ("a.nii.gz", gzip.compress(b"PK\3\4" * 200, mtime=0)),
        ("a.nii.gz", gzip.compress(b"", mtime=0)),
        ("a.mha", b"ObjectType = Image\n"),
    ],
)
def test_not_a_nifti(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorruptVolume, match="not a NIfTI"):
        read_header(tmp_path / name)


def test_two_file_nifti_magic_is_refused(tmp_path: Path, ramp: Ramp, patched: Save) -> None:
    path = patched(tmp_path / "a.nii", ramp(), (_MAGIC, b"ni1\0"), (_VOX_OFFSET, bytes(4)))
    with pytest.raises(CorruptVolume, match="single-file"):
        read_header(path)


def test_name_and_content_must_agree(tmp_path: Path, ramp: Ramp, saved: Save) -> None:
    plain = saved(tmp_path / "plain.nii", ramp())
    packed = saved(tmp_path / "packed.nii.gz", ramp())
    plain.rename(tmp_path / "wrong.nii.gz")
    packed.rename(tmp_path / "wrong.nii")
    with pytest.raises(
        CorruptVolume,
        match="expected gzip data, got a NIfTI file without compression; compress it under its name",
    ):
        read_header(tmp_path / "wrong.nii.gz")
    with pytest.raises(CorruptVolume, match="expected plain data, got gzip data; unpack it under its name"):
        read_header(tmp_path / "wrong.nii")


@given(position=st.integers(0, 351), value=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_any_damaged_header_byte_is_read_or_refused_by_name(
    tmp_path_factory: pytest.TempPathFactory, ramp: Ramp, patched: Save, position: int, value: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.nii"
    patched(path, ramp(), (position, bytes([value])))
    with contextlib.suppress(VolumeError):
        assert np.isfinite(read_image(path).array).all()


def _refused_without_memory(read: Callable[[Path], object], path: Path, error: type[VolumeError]) -> str:
    tracemalloc.start()
    try:
        with pytest.raises(error) as caught:
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()
    return str(caught.value)


def test_header_of_32767_cubed_is_refused_before_allocation(
    tmp_path: Path, ramp: Ramp, patched: Save
) -> None:
    path = patched(tmp_path / "a.nii", ramp(), (_DIM, struct.pack("<4h", 3, 32767, 32767, 32767)))
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(path.read_bytes()))
    for name in ("a.nii", "b.nii.gz"):
        assert "too large" in _refused_without_memory(read_image, tmp_path / name, VolumeError)


def test_file_smaller_than_declared_is_refused_before_allocation(
    tmp_path: Path, ramp: Ramp, patched: Save
) -> None:
    path = patched(tmp_path / "a.nii", ramp(), (_DIM, struct.pack("<4h", 3, 900, 900, 900)))
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(path.read_bytes()))
    for name in ("a.nii", "b.nii.gz"):
        for read in (read_header, read_image, read_labels):
            message = _refused_without_memory(read, tmp_path / name, CorruptVolume)
            assert "smaller than its header declares" in message


def test_gzip_with_fewer_voxels_than_declared(tmp_path: Path, ramp: Ramp, patched: Save) -> None:
    path = patched(tmp_path / "a.nii", ramp(), (_DIM, struct.pack("<4h", 3, 5, 4, 4)))
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(CorruptVolume, match="fewer voxels than its header declares"):
        read_image(tmp_path / "b.nii.gz")


def test_gzip_bomb_is_not_expanded(tmp_path: Path, ramp: Ramp, saved: Save) -> None:
    plain = saved(tmp_path / "a.nii", ramp()).read_bytes()
    path = tmp_path / "bomb.nii.gz"
    # Many concatenated members: 256 MiB of zeros behind the voxels.
    path.write_bytes(gzip.compress(plain) + gzip.compress(bytes(2**23)) * 32)
    assert "expands to more" in _refused_without_memory(read_image, path, CorruptVolume)


def test_few_trailing_bytes_are_tolerated(tmp_path: Path, ramp: Ramp, saved: Save) -> None:
    plain = saved(tmp_path / "a.nii", ramp()).read_bytes() + bytes(100)
    (tmp_path / "a.nii").write_bytes(plain)
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(plain))
    for name in ("a.nii", "b.nii.gz"):
        np.testing.assert_array_equal(read_image(tmp_path / name).array, ramp())


@pytest.mark.parametrize(
    "dim", [(0, 5, 4, 3), (3, -5, 4, 3), (3, 5, 0, 3), (8, 5, 4, 3), (-1, 5, 4, 3), (3, -1, 4, 3)]
)
def test_impossible_dim_fields(
    tmp_path: Path, ramp: Ramp, patched: Save, dim: tuple[int, int, int, int]
) -> None:
    path = patched(tmp_path / "a.nii", ramp(), (_DIM, struct.pack("<4h", *dim)))
    with pytest.raises(CorruptVolume):
        read_header(path)


@pytest.mark.parametrize("offset", [1e9, -352.0, 17.0, np.nan, np.inf])
def test_impossible_voxel_offsets(tmp_path: Path, ramp: Ramp, patched: Save, offset: float) -> None:
    path = patched(tmp_path / "a.nii", ramp(), (_VOX_OFFSET, struct.pack("<f", offset)))
    with pytest.raises(CorruptVolume):
        read_image(path)
