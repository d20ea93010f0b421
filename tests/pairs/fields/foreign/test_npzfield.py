"""npz fields in any layout, and files that only look like them."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pairs.errors import DisplacementError, NonFiniteDisplacement
from pairs.fields.displacement import PROFILES
from pairs.fields.encoding import encode
from pairs.fields.foreign.npzfield import read_npz
from pairs.images.header import Header
from pairs.tasks.pair import Pair

SHAPE = (8, 6, 10)
GRID = Header(Path("f.nii.gz"), SHAPE, (1, 1, 1), np.eye(4), np.dtype(np.float32))
FULL = np.random.default_rng(0).normal(size=(*SHAPE, 3)).astype(np.float32)
HALF = encode(np.broadcast_to(np.float32([2, -1, 3]), (*SHAPE, 3)), PROFILES["l2r2021"])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("channel_first", "profile"), [(True, "npz-full-first"), (False, "l2r2022")])
def test_full_grids(dtype: type, channel_first: bool, profile: str, moved_pair: Pair, tmp_path: Path) -> None:
    array = np.moveaxis(FULL, -1, 0) if channel_first else FULL
    np.savez_compressed(tmp_path / "disp_0001_0004.npz", u=array.astype(dtype))
    read = read_npz(tmp_path, moved_pair, GRID, GRID)
    assert read.profile.name == profile
    assert read.displacement.dtype == np.float32
    assert np.array_equal(read.displacement, FULL.astype(dtype).astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("channel_first", "profile"), [(True, "npz-half-first"), (False, "npz-half-last")])
def test_half_grids(
    dtype: type,
    channel_first: bool,
    profile: str,
    moved_pair: Pair,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    array = HALF if channel_first else np.moveaxis(HALF, 0, -1)
    np.savez(tmp_path / "0001_0004.npz", u=np.asfortranarray(array, dtype))
    read = read_npz(tmp_path, moved_pair, GRID, GRID)
    assert read.profile.name == profile
    assert profile in caplog.text
    assert np.allclose(read.displacement, (2, -1, 3), atol=1e-5)


@pytest.mark.parametrize(
    ("array", "profile"), [(HALF, "l2r2021"), (np.zeros((3, *SHAPE), np.float16), "l2r2020-full")]
)
def test_the_challenge_keeps_its_own_names(
    array: np.ndarray, profile: str, moved_pair: Pair, tmp_path: Path
) -> None:
    np.savez(tmp_path / "disp_0001_0004.npz", array)
    assert read_npz(tmp_path, moved_pair, GRID, GRID).profile.name == profile


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((*SHAPE, 2)),
        np.zeros((2, *SHAPE)),
        np.zeros(SHAPE),
        np.zeros((3, 8, 6, 5)),
        np.zeros((*SHAPE, 3), complex),
        np.zeros((*SHAPE, 3), bool),
    ],
)
def test_other_arrays_are_refused(array: np.ndarray, moved_pair: Pair, tmp_path: Path) -> None:
    np.savez(tmp_path / "disp_0001_0004.npz", array)
    with pytest.raises(DisplacementError, match=r"unknown layout.*\(3, 4, 3, 5\).*got"):
        read_npz(tmp_path, moved_pair, GRID, GRID)


@pytest.mark.parametrize("array", [FULL, np.moveaxis(FULL, -1, 0)])
def test_values_that_are_not_finite(array: np.ndarray, moved_pair: Pair, tmp_path: Path) -> None:
    bad = array.copy()
    bad[1, 1, 1, 1] = np.nan
    np.savez(tmp_path / "disp_0001_0004.npz", bad)
    with pytest.raises(NonFiniteDisplacement):
        read_npz(tmp_path, moved_pair, GRID, GRID)


def archive(path: Path, **members: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(f"{name}.npy", content)


def npy(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def test_files_that_only_look_like_fields(moved_pair: Pair, tmp_path: Path) -> None:
    path = tmp_path / "disp_0001_0004.npz"
    sound = npy(np.moveaxis(FULL, -1, 0).copy())
    pickled = npy(np.array([object], dtype=object), allow_pickle=True)
    cases: list[tuple[dict[str, bytes], str]] = [
        ({}, "exactly one array"),
        ({"a": sound, "b": sound}, "exactly one array"),
        ({"a": b""}, "cannot be read"),
        ({"a": pickled}, "unknown layout"),
        ({"a": sound[:-8]}, "declares an array of 5760"),
        ({"a": sound + bytes(10**7)}, "declares an array of 5760"),
        ({"a": b"\x93NUMPY\x02\x00" + bytes(100)}, "version 1.0"),
        ({"a": b"\x93NUMPY\x01\x00\x0a\x00{'descr': ("}, "cannot be read"),
    ]
    for members, reason in cases:
        archive(path, **members)
        with pytest.raises(DisplacementError, match=reason):
            read_npz(tmp_path, moved_pair, GRID, GRID)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DisplacementError, match="cannot be read"):
        read_npz(tmp_path, moved_pair, GRID, GRID)


def test_a_missing_file(moved_pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(DisplacementError, match=r"disp_0001_0004,.*followed by one of \.npz"):
        read_npz(tmp_path, moved_pair, GRID, GRID)
