"""The one array of an npz: read when its declared size fits, never unpickled."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy

from pairs.damage import damage_told
from pairs.errors import DisplacementError
from pairs.npzfile import npy_header, read_npz_array, write_npz_array
from pairs.profile import Layout, layouts_for

SHAPE = (4, 5, 6)
ARRAY = np.arange(3 * 4 * 5 * 6, dtype=np.float16).reshape(3, *SHAPE)


def _any_layout(shape: tuple[int, ...], dtype: np.dtype[Any], key: str) -> Layout:
    del dtype, key
    return next(layout for layout in layouts_for(".npz", SHAPE) if layout.array_shape == shape)


def test_array_comes_as_written_in_either_memory_order(tmp_path: Path) -> None:
    path = tmp_path / "disp.npz"
    for array in (ARRAY, np.asfortranarray(ARRAY)):
        np.savez(path, array)
        _, found = read_npz_array(path, _any_layout)
        np.testing.assert_array_equal(found, ARRAY)
        assert found.dtype == np.float16


def test_written_array_is_what_numpy_writes_in_bytes_that_never_change(tmp_path: Path) -> None:
    path = tmp_path / "disp.npz"
    write_npz_array(path, ARRAY)
    with np.load(path) as archive:
        assert archive.files == ["arr_0"]
        np.testing.assert_array_equal(archive["arr_0"], ARRAY)
    with zipfile.ZipFile(path) as archive:
        (member,) = archive.infolist()
    # Version 2.0 of the format, no room for four gigabytes, a fixed date.
    assert (member.extract_version, member.extra) == (20, b"")
    assert (member.compress_type, member.date_time) == (zipfile.ZIP_DEFLATED, (1980, 1, 1, 0, 0, 0))


def test_header_alone_reads_no_data(tmp_path: Path) -> None:
    path = tmp_path / "disp.npz"
    np.savez(path, ARRAY)
    assert read_npz_array(path, _any_layout, header_only=True)[1].size == 0


def test_two_arrays_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "disp.npz"
    np.savez(path, ARRAY, other=ARRAY)
    with pytest.raises(DisplacementError, match="exactly one array") as told:
        read_npz_array(path, _any_layout)
    assert "other.npy" in str(told.value)


def test_member_longer_than_its_array_is_refused(tmp_path: Path) -> None:
    path, buffer = tmp_path / "disp.npz", io.BytesIO()
    npy.write_array(buffer, ARRAY)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("arr_0.npy", buffer.getvalue() + b"more")
    with pytest.raises(DisplacementError, match="declares an array of 720 bytes"), damage_told(path):
        read_npz_array(path, _any_layout)


def test_header_that_could_declare_gigabytes_is_refused() -> None:
    buffer = io.BytesIO()
    npy.write_array(buffer, ARRAY, version=(2, 0))
    buffer.seek(0)
    with pytest.raises(ValueError, match=r"version 1\.0"):
        npy_header(buffer)
