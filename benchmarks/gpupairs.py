"""Seconds, memory and work of one pair on a device, at the sizes of OASIS and of abdominal CT."""

from collections.abc import Callable, Iterator
from functools import partial

import torch

from benchmarks.gpuphantom import bundle_for, phantom_pair, regions_of, shrunk
from benchmarks.roofline import Peaks, work_of
from benchmarks.stopwatch import median_seconds
from pairs.errors import TooLittleMemory
from pairs.fields.profile import Shape3
from pipeline.predict.report import peak_memory_mib, restart_peak
from pipeline.registration.registrar import Registrar

__all__ = ["HEADER", "pair_costs"]

HEADER = (
    "configuration",
    "grid",
    "from images in memory to",
    "s",
    "peak [MiB]",
    "TFLOP",
    "TFLOP/s",
    "GB/s",
    "share of roofline",
)

SIZES: tuple[tuple[str, Shape3], ...] = (
    ("OASIS", (64, 64, 64)),
    ("AbdomenCTCT", (64, 64, 64)),
    ("OASIS", (160, 192, 224)),
    ("AbdomenCTCT", (192, 160, 256)),
)
_ITERATIONS = 15


def pair_costs(device: torch.device, shrink: int, repeats: int, peaks: Peaks) -> Iterator[list[str]]:
    """A row for the field, for the field after refinement, and for the regions of one image, at each size."""
    for name, size in SIZES:
        shape = shrunk(size, shrink)
        for what, form in _parts(name, shape, device, shrink):
            yield [name, "x".join(map(str, shape)), what, *_figures(form, device, repeats, peaks)]


def _parts(
    name: str, shape: Shape3, device: torch.device, shrink: int
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Random weights cost what trained ones do. The network of one part is gone when the next is built."""
    bundle = bundle_for(name, shrink)
    labels = len(bundle.header.regions) - 1
    moving, fixed = phantom_pair(shape, labels)
    of_moving, of_fixed = regions_of(shape, labels)
    register = Registrar(bundle, device)
    yield "field", partial(register, moving, fixed, of_fixed)
    register.refinement = register.refinement.model_copy(update={"iterations": _ITERATIONS})
    name = f"field, {_ITERATIONS} steps of refinement"
    yield name, partial(register, moving, fixed, of_fixed, of_moving)
    del register
    yield "regions of one", partial(bundle.build_segmentor(device), fixed)


def _figures(form: Callable[[], object], device: torch.device, repeats: int, peaks: Peaks) -> tuple[str, ...]:
    restart_peak(device)
    try:
        seconds = median_seconds(form, repeats)
        peak = peak_memory_mib(device)
        work = work_of(form, peaks)
    except TooLittleMemory:
        return "too little memory", *["-"] * 5
    return (
        f"{seconds:.3g}",
        f"{peak:.0f}",
        f"{work.flops / 1e12:.3g}",
        f"{work.flops / seconds / 1e12:.3g}",
        f"{work.moved / seconds / 1e9:.3g}",
        f"{work.floor_s / seconds:.2f}",
    )
