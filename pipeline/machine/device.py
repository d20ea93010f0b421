"""The one place that chooses a device, the precision of its convolutions and whether it repeats itself."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from pairs.errors import UsageError, require_choice

__all__ = ["DEVICES", "choose_device", "mixed_precision", "repeatable"]

DEVICES = ("auto", "cpu", "cuda")


def choose_device(name: str) -> torch.device:
    """`auto` takes the GPU when there is one.

    Raises:
        UsageError: there is no such device, or no CUDA; a CPU is never taken silently in its place.
    """
    require_choice("device", name, DEVICES)
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


@contextmanager
def repeatable() -> Iterator[None]:
    """Within it, or in a function that it decorates, a GPU gives the same bytes every time, float32 ones.

    cuDNN may otherwise take other algorithms from run to run, and products and convolutions 10-bit mantissas.
    The caller's own settings come back afterwards.
    """
    cudnn: Any = torch.backends.cudnn
    settings = (
        (cudnn, "benchmark", False),
        (cudnn, "deterministic", True),
        (cudnn.conv, "fp32_precision", "ieee"),
        (torch.backends.cuda.matmul, "fp32_precision", "ieee"),
    )
    before = [getattr(of, name) for of, name, _ in settings]
    try:
        for of, name, value in settings:
            setattr(of, name, value)
        yield
    finally:
        for (of, name, _), value in zip(settings, before, strict=True):
            setattr(of, name, value)
