"""PyTorch files of others: their tensors, in whatever wrapping, and never their code."""

import pickle
import re
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from pairs.errors import WeightsError
from pairs.files.regularfile import open_regular
from pairs.files.standin import file_stand_in
from pipeline.typing import Tensor
from pipeline.weights.tensorfile import is_safetensors, read_tensors, require_file, require_plain

__all__ = ["read_state"]

WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Keys under which training scripts store the weights beside their own notes."""
PARALLEL = "module."
"""What `DataParallel` puts before every name."""

_MAKE_NUMBER = np.float64().__reduce__()[0]
# Scripts also store their best score, a NumPy number; these names make numbers and nothing else.
_NUMBERS: list[Any] = [
    _MAKE_NUMBER,
    (_MAKE_NUMBER, "numpy.core.multiarray.scalar"),
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("float64", "float32", "int64", "int32")),
]
_REMEDY = "write it again where it was made: torch.save(model.state_dict(), FILE)"


def read_state(path: Path, wanted: Callable[[str], bool] | None = None) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name: bare, under a key of `WRAPPERS`, with or without `module.`.

    Args:
        path: What `torch.save` wrote, or a safetensors file.
        wanted: Whether a tensor of this name, `module.` taken off, is of use; None takes all.

    Raises:
        WeightsError: absent, unreadable, without a state dict, or a pickle that calls for code; that is
            never run.
    """

    def is_wanted(name: str) -> bool:
        return wanted is None or wanted(name.removeprefix(PARALLEL))

    require_file(path)
    # brainchop's files say .pth and are safetensors all the same.
    if path.suffix == ".safetensors" or is_safetensors(path):
        state = read_tensors(path, is_wanted).tensors
    else:
        state = {name: value for name, value in _unwrapped(_unpickled(path), path).items() if is_wanted(name)}
    if all(name.startswith(PARALLEL) for name in state):
        state = {name.removeprefix(PARALLEL): value for name, value in state.items()}
    return state


def _unpickled(path: Path) -> object:
    try:
        with (
            torch.serialization.safe_globals(_NUMBERS),
            warnings.catch_warnings(),
            open_regular(path) as file,
        ):
            # Of a TorchScript archive, which is refused in one line.
            warnings.simplefilter("ignore", UserWarning)
            _require_stored(file)
            # `weights_only` builds tensors and plain containers, and calls nothing that the file names.
            return torch.load(file, map_location="cpu", weights_only=True)
    # Every kind: torch's reader raises whatever it trips over, such as IndexError or AssertionError.
    except Exception as error:
        # The rest of torch's message says how to run the code all the same.
        called = re.search(r"GLOBAL (\S+)", str(error))
        if called and isinstance(error, pickle.UnpicklingError):
            raise WeightsError(
                "the checkpoint holds more than tensors and is not read, since unpickling it could run code",
                where=path,
                expected="tensors only",
                got=called.group(1),
                remedy=_REMEDY,
            ) from error
        got, remedy = file_stand_in(path) or ("something else", _REMEDY)
        if "TorchScript" in str(error):
            got = "a TorchScript archive"
        raise WeightsError(
            "cannot read the checkpoint",
            where=path,
            expected="what torch.save wrote",
            got=got,
            remedy=remedy,
        ) from error


def _require_stored(file: BinaryIO) -> None:
    """Refuse an archive of compressed members: `torch.save` writes none, and they may expand without end."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            if any(name.endswith("/constants.pkl") for name in archive.namelist()):
                raise ValueError("TorchScript, which is a program")
            if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                raise ValueError("compressed members")
    file.seek(0)


def _unwrapped(content: object, path: Path) -> dict[str, Tensor]:
    """The state dict inside a checkpoint."""
    while isinstance(content, Mapping) and (key := next((k for k in WRAPPERS if k in content), None)):
        content = content[key]
    if not isinstance(content, Mapping) or not content:
        kind = type(content).__name__
        raise WeightsError("no state dict in the checkpoint", where=path, got=f"an empty or bare {kind}")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise WeightsError(
                "no state dict in the checkpoint",
                where=path,
                expected=f"tensors by name, bare or under {', '.join(WRAPPERS)}",
                got=f"{str(name)[:80]!r}: {type(value).__name__}",
            )
        require_plain(name, value, path)
    return dict(content)
