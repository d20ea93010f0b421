"""A written bundle, ways to spoil it, and the refusal that follows."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from pairs.errors import WeightsError
from pipeline.weights.bundle import HEADER_KEY, Bundle, read_bundle, write_bundle
from pipeline.weights.tensorfile import HASH_KEY

__all__ = ["refuse", "rewrite", "written"]


@pytest.fixture
def written(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    path = tmp_path / "TinyMR.safetensors"
    write_bundle(path, tiny_bundle)
    return path


def rewrite(path: Path, change: Callable[[dict], object] | None = None, extra: str | None = None) -> None:
    """Writes the bundle's file again with another header or one tensor more, and without the hash."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()[HEADER_KEY])
        header.pop(HASH_KEY, None)
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    if change is not None:
        change(header)
    if extra is not None:
        tensors[extra] = torch.zeros(1)
    save_file(tensors, path, metadata={HEADER_KEY: json.dumps(header)})


def refuse(path: Path, match: str) -> WeightsError:
    with pytest.raises(WeightsError, match=match) as caught:
        read_bundle(path)
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return caught.value
