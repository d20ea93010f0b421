"""Safetensors files: written whole, read without ever running code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from pairs.errors import WeightsError
from pairs.wholefile import whole_file
from pipeline.typing import Tensor

__all__ = ["TensorFile", "read_tensors", "write_tensors"]


@dataclass(frozen=True, eq=False)
class TensorFile:
    """Named tensors and the text entries of the header."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]


def write_tensors(path: Path, tensors: Mapping[str, Tensor], key: str, header: str) -> None:
    """Write tensors with one header entry, since safetensors does not fix the order of several.

    Raises:
        OutputError: the file cannot be written.
    """
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with whole_file(path) as temporary:
        # `save_file` would make a file that only its owner can read.
        temporary.write_bytes(save(plain, metadata={key: header}))


def read_tensors(path: Path, wanted: Callable[[str], bool] | None = None) -> TensorFile:
    """Read the file.

    Args:
        path: The file.
        wanted: Whether a tensor of this name is read; None reads all.

    Raises:
        WeightsError: absent, truncated, or not safetensors; a pickle is never opened.
    """
    try:
        if not path.is_file():
            raise WeightsError("no such file", where=path, remedy="check the path, or make the file first")
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if wanted is None or wanted(name)]  # noqa: SIM118 - not a dict
            tensors = {name: file.get_tensor(name) for name in names}
            return TensorFile(tensors, file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise WeightsError("cannot read", where=path, expected="a safetensors file", got=error) from error
