"""The one place that chooses a device and the precision of its convolutions."""

from contextlib import AbstractContextManager, nullcontext

import torch

from pairs.errors import UsageError

__all__ = ["DEVICES", "choose_device", "mixed_precision"]

DEVICES = ("auto", "cpu", "cuda")


def choose_device(name: str) -> torch.device:
    """`auto` takes the GPU when there is one.

    Raises:
        UsageError: `cuda` was asked for and there is none; a CPU is never taken silently in its place.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UsageError("no usable CUDA device", where="--device cuda", remedy="use --device auto or cpu")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def mixed_precision(device: torch.device, precision: torch.dtype) -> AbstractContextManager[object]:
    """A context in which convolutions run in `precision`, float32 also where the context around it says less.

    On the meta device, where networks are only counted, nothing has a precision.
    """
    if device.type == "meta":
        return nullcontext()
    return torch.autocast(device.type, dtype=precision, enabled=precision != torch.float32)
