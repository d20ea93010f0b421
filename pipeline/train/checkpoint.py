"""Checkpoints of a running training, in safetensors, whole or absent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pairs.errors import WeightsError
from pairs.process.counting import first_few
from pipeline.configtypes import first_fault
from pipeline.train.average import Average
from pipeline.weights.tensorfile import OwnFile, read_own, state_faults, write_tensors

__all__ = ["Checkpoint", "fingerprint_of", "load_checkpoint", "require_own", "save_checkpoint"]


HEADER_KEY = "textscf_checkpoint"
# Of AMSGrad, which every training uses.
_MOMENTS = {"step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"}


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stood: finished steps, and what resuming needs besides the module itself."""

    step: int
    seconds: float
    losses: Mapping[str, float] | None = None
    """Of the last step, where a signal came before the end of the validation that is due after it."""


class _Fingerprint(BaseModel):
    """The entry that names the training that the checkpoint belongs to."""

    fingerprint: str


class _Header(_Fingerprint):
    """What the file says beside the tensors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    step: Annotated[int, Field(ge=0)]
    seconds: Annotated[float, Field(ge=0)]
    # A step may end in infinity and leave sound weights, as mixed precision does.
    losses: dict[str, Annotated[float, Field(allow_inf_nan=True)]] | None = None


def save_checkpoint(
    path: Path,
    module: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    at: Checkpoint,
    fingerprint: str,
    average: Average | None = None,
) -> None:
    """Write the states of all three; `fingerprint` names all that they depend on.

    Random states are not stored: every step seeds its own generator from (seed, step).
    """
    tensors = {f"module.{key}": value for key, value in module.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": value for key, value in state.items()}
    tensors |= {f"average.{key}": value for key, value in average.values.items()} if average else {}
    header = _Header(fingerprint=fingerprint, step=at.step, seconds=at.seconds, losses=at.losses)
    write_tensors(path, tensors, HEADER_KEY, header.model_dump())


def require_own(path: Path, fingerprint: str) -> None:
    """Refuse to resume what was begun with anything else, before anything is read or built for it.

    Raises:
        WeightsError: there is a checkpoint, and it is unreadable or of another configuration.
    """
    if path.is_file():
        _require_own(read_own(path, HEADER_KEY, lambda _: False), path, fingerprint)


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
    file = read_own(path, HEADER_KEY)
    _require_own(file, path, fingerprint)
    try:
        header = _Header.model_validate_json(file.header)
        moments = _moments(_under(file.tensors, "optimizer."))
    except ValidationError as error:
        fault = first_fault(error, _Header)
        raise _does_not_fit(path, f"header field '{fault.field}'") from error
    except ValueError as error:
        raise _does_not_fit(path, error) from error
    state = _under(file.tensors, "module.")
    faults = state_faults(state, module.state_dict()) + _misplaced(moments, optimizer)
    kept = _under(file.tensors, "average.")
    faults += state_faults(kept, average.values) if average else []
    if faults:
        raise _does_not_fit(path, first_few(faults, 3))
    module.load_state_dict(state)
    optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})
    if average:
        average.load(kept)
    return Checkpoint(header.step, header.seconds, header.losses)


def fingerprint_of(*parts: object) -> str:
    """A short hash of whatever a training depends on; equal parts give equal hashes."""
    return sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()[:16]


def _require_own(file: OwnFile, path: Path, fingerprint: str) -> None:
    """Refuse the checkpoint of another configuration."""
    try:
        found = _Fingerprint.model_validate_json(file.header).fingerprint
    except ValidationError:
        found = "no checkpoint"
    if found != fingerprint:
        raise WeightsError(
            "the checkpoint belongs to another training or configuration",
            where=path,
            expected=fingerprint,
            got=found[:80],
            remedy="settings, data or version of the program differ: delete it to start afresh, restore them,"
            " or give another --out",
        )


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
    """Moments that lack a tensor, or of parameters of another shape, or that there are not.

    A count of steps has no shape.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    shapes = dict(enumerate(parameter.shape for parameter in parameters))
    misplaced = [
        f"optimizer.{index}.{key} of shape {tuple(value.shape)}"
        for index, state in moments.items()
        for key, value in state.items()
        if index not in shapes or value.shape != (() if key == "step" else shapes[index])
    ]
    return misplaced + [
        f"no optimizer.{index}.{key}"
        for index, state in moments.items()
        for key in sorted(_MOMENTS - state.keys())
    ]


def _does_not_fit(path: Path, got: object) -> WeightsError:
    return WeightsError(
        "the checkpoint does not fit the network", where=path, got=got, remedy="delete it to start afresh"
    )
