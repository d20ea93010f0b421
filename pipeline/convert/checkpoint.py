"""PyTorch checkpoints of others: their tensors, in whatever wrapping, and never their code."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch

from pairs.errors import WeightsError
from pipeline.tensorfile import read_tensors
from pipeline.typing import Tensor

__all__ = ["first_misfit", "read_state"]

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
_UNREADABLE = (OSError, EOFError, RuntimeError, ValueError, KeyError, AttributeError, TypeError, BadZipFile)


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name: bare, under a key of `WRAPPERS`, with or without `module.`.

    Raises:
        WeightsError: absent, unreadable, without a state dict, or a pickle that calls for code; that is
            never run.
    """
    if not path.is_file():
        raise WeightsError("no such file", where=path, remedy="check the path")
    content = read_tensors(path).tensors if path.suffix == ".safetensors" else _unpickled(path)
    state = _unwrapped(content, path)
    if all(name.startswith(PARALLEL) for name in state):
        state = {name.removeprefix(PARALLEL): value for name, value in state.items()}
    return state


def first_misfit(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str | None:
    """The first thing, in the network's own order, that keeps a checkpoint from fitting, or None."""
    for name, tensor in expected.items():
        if name not in state:
            return f"no tensor {name}"
        if state[name].shape != tensor.shape:
            return f"{name} of shape {tuple(state[name].shape)} in place of {tuple(tensor.shape)}"
    unknown = next((name for name in state if name not in expected), None)
    return None if unknown is None else f"a tensor {unknown} that the network does not have"


def _unpickled(path: Path) -> object:
    try:
        with torch.serialization.safe_globals(_NUMBERS):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = next((line.strip() for line in str(error).splitlines() if "GLOBAL" in line), str(error))
        raise WeightsError(
            "the checkpoint holds more than tensors and is not read, since unpickling it could run code",
            where=path,
            got=reason[:200],
            remedy="write it anew where it comes from: torch.save(model.state_dict(), FILE)",
        ) from error
    except _UNREADABLE as error:
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise WeightsError(
            "cannot read the checkpoint", where=path, expected="what torch.save wrote", got=first
        ) from error


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
    return dict(content)
