"""The one array of an npz: read when its declared size fits, never unpickled."""

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy

from pairs.errors import DisplacementError
from pairs.fields.npzfile import npy_header, read_npz_array, read_npz_arrays, write_npz_array
from pairs.fields.profile import Layout, layouts_for
from pairs.files.damage import damage_reported

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
    with pytest.raises(DisplacementError, match="declares an array of 720 bytes"), damage_reported(path):
        read_npz_array(path, _any_layout)


def test_header_that_could_declare_gigabytes_is_refused() -> None:
    buffer = io.BytesIO()
    npy.write_array(buffer, ARRAY, version=(2, 0))
    buffer.seek(0)
    with pytest.raises(ValueError, match=r"version 1\.0"):
        npy_header(buffer)


def _header(text: str) -> io.BytesIO:
    return io.BytesIO(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n", ((3, 4), False, "<f4")),
        # Of other writers: no spaces, another order, double quotes, one axis, none, the L of Python 2.
        ('{"shape":(7,),"fortran_order":True,"descr":">i2"}', ((7,), True, ">i2")),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': ()}", ((), False, "|u1")),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (3L, 4L), }", ((3, 4), False, "<f8")),
    ],
)
def test_headers_of_all_writers_are_read(text: str, expected: tuple[tuple[int, ...], bool, str]) -> None:
    shape, fortran_order, dtype = npy_header(_header(text))
    assert (shape, fortran_order, dtype) == (expected[0], expected[1], np.dtype(expected[2]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "{{}: 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': ((),)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, -4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (03, 4)}",
        "{'descr': '<f4', 'fortran_order': 1, 'shape': (3, 4)}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'descr': '<f4', 'shape': (3, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), 'more': True}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)} + 1",
        "{'descr': '<f3', 'fortran_order': False, 'shape': (3, 4)}",
        "{'descr': '', 'fortran_order': False, 'shape': (3, 4)}",
        "{'descr': 'f4, f4', 'fortran_order': False, 'shape': (3, 4)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4" + ", 4" * 2000 + ")}",
        "(" * 3000,
        " " * 4000 + "{",
    ],
)
def test_any_other_header_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="array header"):
        npy_header(_header(text))


def test_all_arrays_are_read_up_to_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "all.npz"
    np.savez_compressed(path, a=np.zeros((512, 1024), np.float32), b=np.array(["one", "two"]))
    arrays = read_npz_arrays(path, 3 << 20)
    assert arrays["a"].shape == (512, 1024)
    assert arrays["a"].flags.writeable
    assert arrays["b"].tolist() == ["one", "two"]
    with pytest.raises(ValueError, match="arrays of more than 1 MiB"):
        read_npz_arrays(path, 1 << 20)


def test_no_pickle_is_opened_and_no_pipe_waited_for(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", np.array([object()], dtype=object))
    with pytest.raises(ValueError, match="pickled objects"):
        read_npz_arrays(tmp_path / "a.npz", 1 << 20)
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(DisplacementError, match="named pipe"), damage_reported(tmp_path / "pipe.npz"):
        read_npz_array(tmp_path / "pipe.npz", _any_layout)
