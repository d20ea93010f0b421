"""Safetensors files are whole, readable by everybody, and never unpickled."""

import errno
import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pairs.errors import TooLittleMemory, WeightsError
from pipeline.weights import tensorfile
from pipeline.weights.tensorfile import HASH_KEY, read_own, read_tensors, state_faults, write_tensors


def test_round_trip_keeps_tensors_and_header(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    tensors = {"x": torch.arange(6.0).view(2, 3).t(), "y": torch.tensor([1, 2], dtype=torch.int64)}
    write_tensors(path, tensors, "key", {"a": [1, None, "\u00e4"]})
    file = read_own(path, "key")
    assert file.hashed
    assert json.loads(file.header) == {"a": [1, None, "\u00e4"]}
    assert read_tensors(path).metadata.keys() == {"key"}
    assert all(torch.equal(file.tensors[name], value) for name, value in tensors.items())


def test_equal_tensors_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_tensors(tmp_path / name, {"x": torch.ones(3), "w": torch.zeros(2)}, "key", {"a": 1, "b": 2})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_umask_decides_who_may_read(tmp_path: Path) -> None:
    path, plain = tmp_path / "a.safetensors", tmp_path / "plain"
    write_tensors(path, {"x": torch.ones(1)}, "key", {})
    plain.write_bytes(b"")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_pickle_is_refused_without_running_it(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"x": torch.ones(1)}, path)
    with pytest.raises(WeightsError, match="cannot read"):
        read_tensors(path)


def test_truncated_and_missing_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"x": torch.ones(100)}, "key", {})
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(WeightsError, match=r"a\.safetensors"):
        read_tensors(path)
    with pytest.raises(WeightsError, match="no such file"):
        read_tensors(tmp_path / "absent.safetensors")


def test_no_flipped_bit_goes_unnoticed(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"x": torch.arange(12.0).view(3, 4), "y": torch.tensor(7)}, "key", {"a": 0.25})
    content = path.read_bytes()
    for place in range(len(content)):
        for bit in (0, 4):
            damaged = content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]
            path.write_bytes(damaged)
            try:
                read_own(path, "key")
            except WeightsError:
                continue
            # What is left are flips that lose the entry itself, or that mean nothing, as in JSON's blanks.
            file = read_own(path, "key")
            assert not file.hashed or file.header == '{"a": 0.25}', place


@pytest.mark.parametrize("hashed", [True, False])
def test_altered_content_is_refused_where_there_is_a_hash(tmp_path: Path, hashed: bool) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"x": torch.ones(2)}, "key", {"a": 1})
    entries = json.loads(read_tensors(path).metadata["key"])
    stored = {HASH_KEY: entries[HASH_KEY]} if hashed else {}
    for tensors, header in (
        ({"x": torch.tensor([1.0, 2.0])}, {"a": 1}),
        ({"x": torch.ones(2, dtype=torch.float64)}, {"a": 1}),
        ({"x": torch.ones(1, 2)}, {"a": 1}),
        ({"z": torch.ones(2)}, {"a": 1}),
        ({"x": torch.ones(2)}, {"a": 2}),
    ):
        save_file(tensors, path, metadata={"key": json.dumps(header | stored)})
        if hashed:
            with pytest.raises(WeightsError, match=r"altered: .*a\.safetensors; expected content of SHA-256"):
                read_own(path, "key")
        else:
            assert not read_own(path, "key").hashed
        # Where only some are wanted, or the file is anybody's, nothing is compared.
        assert read_own(path, "key", lambda _: False).header
        assert read_tensors(path).tensors


def test_numbers_of_an_uncommon_type_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for value in (torch.ones(2, dtype=torch.complex64), torch.ones(2).to(torch.float8_e4m3fn)):
        save_file({"odd": value, "even": torch.ones(1)}, path)
        with pytest.raises(WeightsError, match=r"uncommon type: .*got odd: (complex64|float8)"):
            read_tensors(path)
        assert read_tensors(path, lambda name: name == "even").tensors.keys() == {"even"}


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_too_little_memory_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"x": torch.ones(1)}, path)

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(tensorfile, "safe_open", fail)
    with pytest.raises(TooLittleMemory, match=r"too little memory for the tensors: .*a\.safetensors"):
        read_tensors(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.safetensors")
    with pytest.raises(WeightsError, match=r"not a regular file: .*; got a named pipe"):
        read_tensors(tmp_path / "pipe.safetensors")


def test_a_file_that_may_not_be_read_is_told_without_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"x": torch.ones(1)}, path)

    def closed(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    # The superuser, who runs tests in containers, may read all.
    for place in ("open_regular", "safe_open"):
        with monkeypatch.context() as patched:
            patched.setattr(tensorfile, place, closed)
            with pytest.raises(WeightsError, match=r"cannot read: .*got Permission denied(;|$)"):
                read_tensors(path)


def test_an_npz_file_is_no_pytorch_checkpoint(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", embeddings=np.ones(3))
    path = (tmp_path / "v.npz").rename(tmp_path / "v.safetensors")
    with pytest.raises(WeightsError, match=r"got an npz file; give it the ending \.npz"):
        read_tensors(path)


NETWORK = {"a.weight": torch.zeros(2, 3, device="meta"), "a.index": torch.zeros(2, dtype=torch.int64)}
STATE = {"a.weight": torch.arange(6.0).view(2, 3), "a.index": torch.tensor([1, 2])}


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({}, []),
        ({"a.weight": torch.zeros(3, 2)}, ["a.weight of shape (3, 2) in place of (2, 3)"]),
        ({"a.weight": torch.full((2, 3), torch.inf)}, ["a.weight with NaN or infinity"]),
        ({"b": torch.zeros(1)}, ["a tensor b that the network does not have"]),
    ],
)
def test_every_fault_of_a_state_is_named(change: dict[str, torch.Tensor], faults: list[str]) -> None:
    assert state_faults(STATE | change, NETWORK) == faults


def test_missing_tensors_come_in_the_networks_own_order() -> None:
    assert state_faults({}, NETWORK) == ["no tensor a.weight", "no tensor a.index"]
