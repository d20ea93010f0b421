"""Seconds of one call on a device, waited for."""

import statistics
import time
from collections.abc import Callable

import torch

__all__ = ["median_seconds", "seconds_of"]

ENOUGH_S = 5.0
"""So long do calls go on being repeated, at most."""


def seconds_of(form: Callable[[], object]) -> float:
    """One call from an idle device to an idle device: a GPU goes on after a call has returned."""
    _wait()
    start = time.perf_counter()
    form()
    _wait()
    return time.perf_counter() - start


def median_seconds(form: Callable[[], object], repeats: int) -> float:
    """The median of several calls, after one that is not counted; fewer of them where each takes seconds."""
    form()
    times = [seconds_of(form)]
    while len(times) < repeats and sum(times) < ENOUGH_S:
        times.append(seconds_of(form))
    return statistics.median(times)


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
