"""What a device can do at most, measured, and the least time that work takes under these limits."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from benchmarks.stopwatch import median_seconds

__all__ = ["PRODUCTS", "Peaks", "Work", "measured_peaks", "product_precision", "work_of"]

PRODUCTS = ("float32", "tf32", "bfloat16")
"""Precisions of a product: `tf32` is float32 numbers of which 10 bits of the mantissa count."""

_SIDE = 8192
_COPIED = 2**29
_REPEATS = 9


@dataclass(frozen=True)
class Peaks:
    """Ceilings of one device.

    Attributes:
        flops: Floating-point operations a second of a large matrix product, by precision.
        bytes_per_s: Of a large copy, bytes read and bytes written together.
    """

    flops: Mapping[str, float]
    bytes_per_s: float


@dataclass(frozen=True)
class Work:
    """What some computation comes to, operation by operation.

    Attributes:
        flops: Of products, convolutions and attention.
        moved: Bytes, every operation reading its inputs and writing its outputs once.
        floor_s: Least seconds: each operation takes the longer of its time at the peak of its precision and
            that of its bytes at the copy's speed.
    """

    flops: float
    moved: float
    floor_s: float


def measured_peaks(device: torch.device, shrink: int) -> Peaks:
    """Both ceilings, on random numbers.

    Args:
        device: Whose they are.
        shrink: How much smaller the matrices' sides are than 8192, for a processor.
    """
    side, count = _SIDE // shrink, _COPIED // shrink**2
    flops = {}
    for precision in PRODUCTS:
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        with product_precision(precision):
            flops[precision] = 2 * side**3 / median_seconds(partial(torch.mm, a, b), _REPEATS)
    source = torch.randn(count, device=device)
    target = torch.empty_like(source)
    moved = 2 * source.numel() * source.element_size()
    return Peaks(flops, moved / median_seconds(partial(target.copy_, source), _REPEATS))


@contextmanager
def product_precision(precision: str) -> Iterator[None]:
    """Whether a GPU's products and convolutions of float32 numbers are TF32 ones."""
    switches: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)  # type: ignore[attr-defined]
    before = [switch.fp32_precision for switch in switches]
    try:
        for switch in switches:
            switch.fp32_precision = "tf32" if precision == "tf32" else "ieee"
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.fp32_precision = value


def work_of(form: Callable[[], object], peaks: Peaks) -> Work:
    """Counts one call, its backward pass too."""
    with _Counter(peaks) as counter:
        form()
    return Work(counter.flops, counter.moved, counter.floor_s)


class _Counter(TorchDispatchMode):
    """Adds up what passes by."""

    def __init__(self, peaks: Peaks) -> None:
        super().__init__()
        self.peaks = peaks
        self.flops = self.moved = self.floor_s = 0.0

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        """Runs the operation and counts it."""
        out = func(*args, **(kwargs or {}))
        if func.is_view or func.overloadpacket.__name__.startswith(("empty", "new_empty")):
            return out
        count = flop_registry.get(func.overloadpacket)
        flops = float(count(*args, **(kwargs or {}), out_val=out)) if count else 0.0
        written = [leaf for leaf in tree_leaves(out) if isinstance(leaf, torch.Tensor)]
        read = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        moved = float(sum(map(_bytes, (*read, *written))))
        lower = any(tensor.dtype in (torch.bfloat16, torch.float16) for tensor in written)
        peak = self.peaks.flops["bfloat16" if lower else "float32"]
        self.flops += flops
        self.moved += moved
        self.floor_s += max(flops / peak, moved / self.peaks.bytes_per_s)
        return out


def _bytes(tensor: torch.Tensor) -> int:
    """What a tensor holds; one that repeats itself is no larger than its memory."""
    return min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes())
