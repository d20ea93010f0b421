"""Safetensors files are whole, readable by everybody, and never unpickled."""

import stat
from pathlib import Path

import pytest
import torch

from pairs.errors import WeightsError
from pipeline.tensorfile import read_tensors, write_tensors


def test_round_trip_keeps_tensors_and_header(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    tensors = {"x": torch.arange(6.0).view(2, 3).t(), "y": torch.tensor([1, 2], dtype=torch.int64)}
    write_tensors(path, tensors, "key", "{}")
    file = read_tensors(path)
    assert file.metadata == {"key": "{}"}
    assert all(torch.equal(file.tensors[name], value) for name, value in tensors.items())


def test_equal_tensors_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_tensors(tmp_path / name, {"x": torch.ones(3), "w": torch.zeros(2)}, "key", "header")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_umask_decides_who_may_read(tmp_path: Path) -> None:
    path, plain = tmp_path / "a.safetensors", tmp_path / "plain"
    write_tensors(path, {"x": torch.ones(1)}, "key", "")
    plain.write_bytes(b"")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_pickle_is_refused_without_running_it(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"x": torch.ones(1)}, path)
    with pytest.raises(WeightsError, match="cannot read"):
        read_tensors(path)


def test_truncated_and_missing_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"x": torch.ones(100)}, "key", "")
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(WeightsError, match=r"a\.safetensors"):
        read_tensors(path)
    with pytest.raises(WeightsError, match="no such file"):
        read_tensors(tmp_path / "absent.safetensors")
