"""Checkpoints of a running training, in safetensors, whole or absent."""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from pairs.errors import WeightsError
from pipeline.tensorfile import read_tensors, write_tensors

__all__ = ["Checkpoint", "fingerprint_of", "load_checkpoint", "save_checkpoint"]


HEADER_KEY = "textscf_checkpoint"


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stood: finished steps, and what resuming needs besides the module itself."""

    step: int
    seconds: float


def save_checkpoint(
    path: Path, module: torch.nn.Module, optimizer: torch.optim.Optimizer, at: Checkpoint, fingerprint: str
) -> None:
    """Write module and optimizer state; `fingerprint` names the configuration they belong to.

    Random states are not stored: every step seeds its own generator from (seed, step).
    """
    tensors = {f"module.{key}": value for key, value in module.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": value for key, value in state.items()}
    header = {"step": at.step, "seconds": at.seconds, "fingerprint": fingerprint}
    write_tensors(path, tensors, HEADER_KEY, json.dumps(header))


def load_checkpoint(
    path: Path, module: torch.nn.Module, optimizer: torch.optim.Optimizer, fingerprint: str
) -> Checkpoint:
    """Restore module and optimizer in place.

    Raises:
        WeightsError: unreadable, damaged, or written under another configuration.
    """
    file = read_tensors(path)
    header = _header(file.metadata.get(HEADER_KEY, ""))
    if header.get("fingerprint") != fingerprint:
        raise WeightsError(
            "the checkpoint belongs to another configuration",
            where=path,
            expected=fingerprint,
            got=header.get("fingerprint"),
            remedy="delete it to start afresh, or restore the configuration",
        )
    try:
        at = Checkpoint(step=int(header["step"]), seconds=float(header["seconds"]))
        module.load_state_dict(_under(file.tensors, "module."))
        _restore_optimizer(optimizer, _under(file.tensors, "optimizer."))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(
            "the checkpoint does not fit the network",
            where=path,
            got=error,
            remedy="delete it to start afresh",
        ) from error
    return at


def fingerprint_of(*parts: object) -> str:
    """A short hash of whatever a training depends on; equal parts give equal hashes."""
    return sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()[:16]


def _header(text: str) -> dict[str, Any]:
    """The header's entries; none where it is no checkpoint's header."""
    try:
        header = json.loads(text)
    except ValueError:
        return {}
    return header if isinstance(header, dict) else {}


def _under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
