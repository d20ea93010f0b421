"""Files that are no whole bundle: each is told in one sentence with exit code 4, and no pickle is opened."""

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pairs.errors import WeightsError
from pipeline.weights.bundle import Bundle, read_bundle
from tests.pipeline.weights.conftest import refuse, rewrite

__all__: list[str] = []


def test_missing_file(tmp_path: Path) -> None:
    refuse(tmp_path / "absent.safetensors", "no such file")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    refuse(tmp_path, "not a regular file")


@pytest.mark.parametrize("kept", [0, 4, 8, 100, 0.5, -1])
def test_truncated_file(written: Path, kept: float) -> None:
    whole = written.read_bytes()
    size = int(len(whole) * kept) if isinstance(kept, float) else kept
    written.write_bytes(whole[:size])
    refuse(written, "cannot read")


def test_a_file_with_bytes_behind_its_end(written: Path) -> None:
    written.write_bytes(written.read_bytes() + b"x")
    refuse(written, "cannot read")


class Trap:
    """A pickle that would leave a mark when it is opened."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return open, (self.mark, "w")


@pytest.mark.parametrize("plain", [True, False])
def test_pickles_are_refused_and_never_opened(tmp_path: Path, tiny_bundle: Bundle, plain: bool) -> None:
    path, mark = tmp_path / "weights.pth", tmp_path / "opened"
    content = {"state": tiny_bundle.segmentor, "trap": Trap(str(mark))}
    if plain:
        path.write_bytes(pickle.dumps(Trap(str(mark))))
    else:
        torch.save(content, path)
    refuse(path, "expected a safetensors")
    assert not mark.exists()


def test_safetensors_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    refuse(path, "not a weights bundle")


@pytest.mark.parametrize("key", ["optimizer.0.step", "weights", "segmentation.a"])
def test_unknown_tensor(written: Path, key: str) -> None:
    rewrite(written, extra=key)
    refuse(written, key)


def test_a_flipped_bit_of_a_tensor_is_noticed(written: Path) -> None:
    content = bytearray(written.read_bytes())
    content[-1000] ^= 1
    written.write_bytes(content)
    refuse(written, "the file was altered.*download it again, or make it again")


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\x80\x02ctorch"])
def test_a_pytorch_checkpoint_is_told_as_such(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "model.pth").write_bytes(start + bytes(100))
    with pytest.raises(WeightsError, match="got a PyTorch checkpoint; make a bundle of it with `convert`"):
        read_bundle(tmp_path / "model.pth")


def test_a_pointer_in_place_of_weights_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n")
    with pytest.raises(WeightsError, match="got a Git LFS pointer; fetch the file with `git lfs pull`"):
        read_bundle(tmp_path / "a.safetensors")
