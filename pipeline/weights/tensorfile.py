"""Tensors by name: safetensors files, our own with a hash of their content, and what a network expects."""

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save

from pairs.errors import WeightsError
from pairs.files.damage import reason_of
from pairs.files.regularfile import NotRegularFile, open_regular
from pairs.files.standin import file_stand_in
from pairs.files.wholefile import whole_file
from pipeline.machine.memory import as_shortage
from pipeline.typing import Tensor

__all__ = [
    "HASH_KEY",
    "OwnFile",
    "TensorFile",
    "is_safetensors",
    "read_own",
    "read_tensors",
    "require_file",
    "require_plain",
    "state_faults",
    "write_tensors",
]

HASH_KEY = "content_sha256"
"""Entry of the header of our own files: SHA-256 over its other entries and the tensors."""

_PLAIN = {
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
}

# A zip file since PyTorch 1.6, a pickle before.
_PYTORCH = (b"PK\x03\x04", b"\x80\x02", b"\x80\x04")


@dataclass(frozen=True, eq=False)
class TensorFile:
    """Named tensors and the text entries of the header."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]


@dataclass(frozen=True, eq=False)
class OwnFile:
    """A file that `write_tensors` made.

    Attributes:
        header: JSON text; empty where the file has none of ours.
        tensors: by name.
        hashed: whether the header has a hash; files of earlier versions have none.
    """

    header: str
    tensors: dict[str, Tensor]
    hashed: bool


def write_tensors(path: Path, tensors: Mapping[str, Tensor], key: str, header: Mapping[str, object]) -> None:
    """Write tensors with one header entry, since safetensors does not fix the order of several.

    Args:
        path: The file.
        tensors: By name.
        key: Of the entry.
        header: What becomes a JSON object there, with the hash of all content under `HASH_KEY`.

    Raises:
        OutputError: the file cannot be written.
    """
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    text = json.dumps({**header, HASH_KEY: _digest(header, plain)}, separators=(",", ":"))
    with whole_file(path) as temporary:
        # `save_file` would make a file that only its owner can read.
        temporary.write_bytes(save(plain, metadata={key: text}))


def read_own(path: Path, key: str, wanted: Callable[[str], bool] | None = None) -> OwnFile:
    """Read a file that `write_tensors` made, and compare its content with the hash it holds.

    Args:
        path: The file.
        key: Of the header entry.
        wanted: As in `read_tensors`; the hash is compared only where all are read.

    Raises:
        WeightsError: See `read_tensors`; also if the content has another hash.
    """
    file = read_tensors(path, wanted)
    text = file.metadata.get(key, "")
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, dict) or HASH_KEY not in entries:
        return OwnFile(text, file.tensors, hashed=False)
    stored = entries.pop(HASH_KEY)
    found = _digest(entries, file.tensors) if wanted is None else stored
    if found != stored:
        raise WeightsError(
            "the file was altered",
            where=path,
            expected=f"content of SHA-256 {str(stored)[:64]}",
            got=found,
            remedy="download it again, or make it again",
        )
    return OwnFile(json.dumps(entries), file.tensors, hashed=True)


def read_tensors(path: Path, wanted: Callable[[str], bool] | None = None) -> TensorFile:
    """Read the file, of whomever it is.

    Args:
        path: The file.
        wanted: Whether a tensor of this name is read; None reads all.

    Raises:
        WeightsError: absent, truncated, not safetensors, or with numbers of an uncommon type; a pickle is
            never opened.
        TooLittleMemory: there is none for its tensors.
    """
    require_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if wanted is None or wanted(name)]  # noqa: SIM118 - not a dict
            tensors = {name: file.get_tensor(name) for name in names}
            metadata = file.metadata() or {}
    # Every kind: what the reader and torch make of a damaged header goes beyond SafetensorError.
    except Exception as error:
        if (shortage := as_shortage(error, "the tensors", path, "free some memory")) is not None:
            raise shortage from error
        got, remedy = _found(path, error)
        expected = "a safetensors file"
        raise WeightsError("cannot read", where=path, expected=expected, got=got, remedy=remedy) from error
    for name, tensor in tensors.items():
        require_plain(name, tensor, path)
    return TensorFile(tensors, metadata)


def is_safetensors(path: Path) -> bool:
    """Whether a file begins as safetensors do, whatever its name: the length of a JSON header, then that."""
    with contextlib.suppress(OSError), open_regular(path) as file:
        start = file.read(9)
        return start[8:] == b"{" and int.from_bytes(start[:8], "little") < path.stat().st_size
    return False


def require_file(path: Path, remedy: str = "check the path, or make the file first") -> None:
    """Refuse what cannot be opened: a file that is absent or closed, a folder, a named pipe, a device.

    Raises:
        WeightsError: it is; the sentence ends with the remedy.
    """
    try:
        open_regular(path).close()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise WeightsError("no such file", where=path, remedy=remedy) from error
    except NotRegularFile as error:
        raise WeightsError("not a regular file", where=path, got=error.strerror, remedy=remedy) from error
    except OSError as error:
        raise WeightsError("cannot read", where=path, got=reason_of(error)) from error


def _found(path: Path, error: Exception) -> tuple[object, str | None]:
    """What the file is in place of safetensors, and what to do about it."""
    if (found := file_stand_in(path)) is not None:
        return found
    with contextlib.suppress(OSError), open_regular(path) as file:
        start = file.read(64)
        # NumPy's files are zip files too, of members named after their arrays.
        if start.startswith(b"PK") and b".npy" in start:
            return "an npz file", "give it the ending .npz if it holds text vectors"
        if start.startswith(_PYTORCH):
            return "a PyTorch checkpoint", "make a bundle of it with `convert`, then give that"
    return reason_of(error), None


def require_plain(name: str, tensor: Tensor, where: Path) -> None:
    """Refuse a tensor that is more than an array of common numbers: quantised, sparse, or without values.

    Raises:
        WeightsError: the tensor is of such a type.
    """
    if tensor.layout != torch.strided or tensor.device.type == "meta" or tensor.dtype not in _PLAIN:
        kind = f"{tensor.dtype} {tensor.layout}".replace("torch.", "")
        raise WeightsError(
            "tensor of an uncommon type",
            where=where,
            expected="floats, integers or booleans of up to 64 bits",
            got=f"{name[:80]}: {kind}" + (" without values" if tensor.device.type == "meta" else ""),
        )


def state_faults(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> list[str]:
    """Everything that keeps `state` from being loaded, in the network's own order.

    The shapes in it show which other network the tensors are of.

    Args:
        state: Tensors of a file by name.
        expected: The network's, which may be on the meta device.
    """
    found = [fault for name, tensor in expected.items() if (fault := _fault(name, state.get(name), tensor))]
    return found + [
        f"a tensor {name} that the network does not have" for name in state if name not in expected
    ]


def _fault(name: str, tensor: Tensor | None, expected: Tensor) -> str | None:
    if tensor is None:
        return f"no tensor {name}"
    if tensor.shape != expected.shape:
        return f"{name} of shape {tuple(tensor.shape)} in place of {tuple(expected.shape)}"
    return None if tensor.isfinite().all() else f"{name} with NaN or infinity"


def _digest(header: Mapping[str, object], tensors: Mapping[str, Tensor]) -> str:
    digest = sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
