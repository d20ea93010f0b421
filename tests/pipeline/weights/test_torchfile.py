"""Checkpoints of others: every wrapping is undone, and no code in them ever runs."""

import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pairs.errors import WeightsError
from pipeline.weights.torchfile import read_state

__all__: list[str] = []

STATE = {"a.weight": torch.arange(6.0).view(2, 3), "a.index": torch.tensor([1, 2])}
PARALLEL = {f"module.{name}": value for name, value in STATE.items()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pt"


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        PARALLEL,
        {"state_dict": STATE},
        {"model": STATE},
        {"model": PARALLEL, "epoch": 3},
        {"state_dict": PARALLEL, "optimizer": {"lr": 1e-4}, "epoch": 5000},
        {"model": {"state_dict": STATE}},
        # The public files hold the best score beside the weights, as NumPy's own number.
        {"state_dict": STATE, "best_acc": np.float64(0.81), "other": np.float32(1)},
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_every_wrapping_gives_the_same_tensors(path: Path, content: object, zipped: bool) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    state = read_state(path)
    assert list(state) == list(STATE)
    assert all(torch.equal(state[name], value) for name, value in STATE.items())


def test_safetensors_are_taken_too(tmp_path: Path) -> None:
    save_file(PARALLEL, tmp_path / "weights.safetensors")
    assert list(read_state(tmp_path / "weights.safetensors")) == sorted(STATE)


def test_only_what_is_wanted(path: Path, tmp_path: Path) -> None:
    torch.save({"state_dict": PARALLEL}, path)
    save_file(PARALLEL, tmp_path / "weights.safetensors")
    for file in (path, tmp_path / "weights.safetensors"):
        assert list(read_state(file, lambda name: name == "a.index")) == ["a.index"]


class Canary:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch '{self.path}'",)


@pytest.mark.parametrize("kind", ["zip", "legacy", "bare", "beside"])
def test_a_pickle_that_would_run_code_is_refused_and_not_run(path: Path, tmp_path: Path, kind: str) -> None:
    canary = Canary(tmp_path / "canary")
    if kind == "bare":
        path.write_bytes(pickle.dumps({"state_dict": canary}, protocol=2))
    elif kind == "beside":
        torch.save({"state_dict": STATE, "notes": canary}, path)
    else:
        torch.save({"state_dict": canary}, path, _use_new_zipfile_serialization=kind == "zip")
    with pytest.raises(WeightsError, match=r"(could run code|cannot read).*weights\.pt") as caught:
        read_state(path)
    if kind != "bare":
        assert "system" in str(caught.value)
        assert "torch.save(model.state_dict(), FILE)" in str(caught.value)
    assert not (tmp_path / "canary").exists()


def test_the_canary_sings(tmp_path: Path) -> None:
    """Without this the test before could not fail."""
    pickle.loads(pickle.dumps(Canary(tmp_path / "canary")))
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot read"),
        (b"not a checkpoint", "cannot read"),
        (b"PK\x03\x04 half an archive", "cannot read"),
    ],
)
def test_what_is_no_checkpoint(path: Path, content: bytes, words: str) -> None:
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=words) as caught:
        read_state(path)
    # torch's own words say how to run the code all the same.
    assert "weights_only" not in str(caught.value)


def test_a_whole_network_is_told_by_its_class(path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), path)
    with pytest.raises(WeightsError, match=r"got torch\.nn.modules\.linear\.Linear; write it again"):
        read_state(path)


def test_compressed_members_which_may_expand_without_end_are_refused(path: Path) -> None:
    torch.save(STATE, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(WeightsError, match="cannot read"):
        read_state(path)


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (torch.zeros(3, device="meta"), "without values"),
        (torch.eye(3).to_sparse(), "sparse_coo"),
        (torch.zeros(3, dtype=torch.complex64), "complex64"),
    ],
)
def test_tensors_that_are_no_arrays_of_common_numbers(path: Path, value: torch.Tensor, got: str) -> None:
    torch.save({"a": value}, path)
    with pytest.raises(WeightsError, match=f"(uncommon type.*got a: .*{got}|cannot read)"):
        read_state(path)


def test_a_truncated_archive(path: Path) -> None:
    torch.save(STATE, path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(WeightsError, match="cannot read"):
        read_state(path)


def test_an_archive_of_something_else(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(WeightsError, match="cannot read"):
        read_state(path)


@pytest.mark.parametrize(
    ("content", "got"),
    [
        ({"epoch": 3}, "'epoch': int"),
        ({"state_dict": {}}, "empty or bare"),
        ({}, "empty or bare"),
        ([1.0, 2.0], "bare list"),
        (torch.zeros(3), "bare Tensor"),
        ({1: torch.zeros(3)}, "'1': Tensor"),
        ({"state_dict": {"a": 3.0}}, "'a': float"),
    ],
)
def test_a_checkpoint_without_weights(path: Path, content: object, got: str) -> None:
    torch.save(content, path)
    with pytest.raises(WeightsError, match=f"no state dict.*{got}"):
        read_state(path)


def test_a_missing_file(path: Path) -> None:
    with pytest.raises(WeightsError, match="no such file"):
        read_state(path)


def test_a_pipe_is_told_as_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    with pytest.raises(WeightsError, match=r"not a regular file: .*pipe\.pt; got a named pipe"):
        read_state(tmp_path / "pipe.pt")


def test_a_pointer_in_place_of_a_checkpoint_is_told_as_one(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(WeightsError, match=r"got a Git LFS pointer; fetch the file with `git lfs pull`"):
        read_state(path)
