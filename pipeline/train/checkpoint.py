"""Checkpoints of a running training, in safetensors, whole or absent."""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from pairs.errors import WeightsError
from pipeline.misfits import misfits, told
from pipeline.tensorfile import TensorFile, read_tensors, write_tensors
from pipeline.train.average import Average

__all__ = ["Checkpoint", "fingerprint_of", "load_checkpoint", "require_own", "save_checkpoint"]


HEADER_KEY = "textscf_checkpoint"


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stood: finished steps, and what resuming needs besides the module itself."""

    step: int
    seconds: float


def save_checkpoint(
    path: Path,
    module: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    at: Checkpoint,
    fingerprint: str,
    average: Average | None = None,
) -> None:
    """Write the states of all three; `fingerprint` names the configuration they belong to.

    Random states are not stored: every step seeds its own generator from (seed, step).
    """
    tensors = {f"module.{key}": value for key, value in module.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": value for key, value in state.items()}
    tensors |= {f"average.{key}": value for key, value in average.values.items()} if average else {}
    header = {"step": at.step, "seconds": at.seconds, "fingerprint": fingerprint}
    write_tensors(path, tensors, HEADER_KEY, json.dumps(header))


def require_own(path: Path, fingerprint: str) -> None:
    """Refuse to resume what was begun under another configuration, before anything is read or built for it.

    Raises:
        WeightsError: there is a checkpoint, and it is unreadable or of another configuration.
    """
    if path.is_file():
        _header(read_tensors(path, lambda _: False), path, fingerprint)


def load_checkpoint(
    path: Path,
    module: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    fingerprint: str,
    average: Average | None = None,
) -> Checkpoint:
    """Restore module, optimizer and average in place.

    Raises:
        WeightsError: unreadable, damaged, or written under another configuration.
    """
    file = read_tensors(path)
    header = _header(file, path, fingerprint)
    try:
        at = Checkpoint(step=int(header["step"]), seconds=float(header["seconds"]))
        moments = _moments(_under(file.tensors, "optimizer."))
    except (KeyError, TypeError, ValueError) as error:
        raise _does_not_fit(path, error) from error
    state = _under(file.tensors, "module.")
    faults = misfits(state, module.state_dict()) + _misplaced(moments, optimizer)
    kept = _under(file.tensors, "average.")
    faults += misfits(kept, average.values) if average else []
    if faults:
        raise _does_not_fit(path, told(faults))
    module.load_state_dict(state)
    optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})
    if average:
        average.load(kept)
    return at


def fingerprint_of(*parts: object) -> str:
    """A short hash of whatever a training depends on; equal parts give equal hashes."""
    return sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()[:16]


def _header(file: TensorFile, path: Path, fingerprint: str) -> dict[str, Any]:
    """The entries of the header, which must be of the same configuration."""
    try:
        header = json.loads(file.metadata.get(HEADER_KEY, ""))
    except ValueError:
        header = None
    found = header.get("fingerprint") if isinstance(header, dict) else None
    if not isinstance(header, dict) or found != fingerprint:
        raise WeightsError(
            "the checkpoint belongs to another training or configuration",
            where=path,
            expected=fingerprint,
            got=found or "no checkpoint",
            remedy="delete it to start afresh, restore the configuration, or give another --out",
        )
    return header


def _under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _moments(tensors: dict[str, torch.Tensor]) -> dict[int, dict[str, torch.Tensor]]:
    """The optimizer's state of each parameter by its number."""
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        moments.setdefault(int(index), {})[key] = value
    return moments


def _misplaced(moments: dict[int, dict[str, torch.Tensor]], optimizer: torch.optim.Optimizer) -> list[str]:
    """Moments of parameters that are of another shape, or that there are not; a count of steps has none."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    shapes = dict(enumerate(parameter.shape for parameter in parameters))
    return [
        f"optimizer.{index}.{key} of shape {tuple(value.shape)}"
        for index, state in moments.items()
        for key, value in state.items()
        if index not in shapes or value.shape != (() if key == "step" else shapes[index])
    ]


def _does_not_fit(path: Path, got: object) -> WeightsError:
    return WeightsError(
        "the checkpoint does not fit the network", where=path, got=got, remedy="delete it to start afresh"
    )
