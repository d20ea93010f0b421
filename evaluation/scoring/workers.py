"""The threads that score pairs, and how a signal ends them."""

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from evaluation.metrics.spread import Spread, in_turn

__all__ = ["score_all", "terminated_as_interrupted"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Pairs at a time: while one is scored by all threads, the next is read and unpacked by one. More
# would only take memory, a quarter of a gigabyte each.
_PAIRS = 2
# Below glibc's limit of 32 MiB for blocks that stay with the process.
_KEPT_BYTES = 30 * 2**20


def score_all(
    score: Callable[[_Item, Spread], _Result], items: Iterable[_Item], jobs: int, doing: str = "scoring"
) -> list[_Result]:
    """Scores all items on `jobs` threads under a progress bar.

    NumPy and SciPy let go of Python's lock in all long steps, so that threads share the cores and no array is
    copied.

    Args:
        score: What to do with an item; the second argument is how it may spread its parts over the threads.
        items: The pairs.
        jobs: Number of threads; with 1 everything happens in the calling thread.
        doing: What the progress bar says.

    Returns:
        The results in the order of the items.

    Raises:
        KeyboardInterrupt: On SIGINT and SIGTERM, after the current pairs are finished.
        Exception: The first one that `score` raises, likewise.
    """
    _keep_freed_memory()
    todo = list(items)
    with (
        terminated_as_interrupted(),
        tqdm(total=len(todo), desc=doing, unit="pair", disable=None) as bar,
    ):
        if jobs == 1:
            results = []
            for item in todo:
                results.append(score(item, in_turn))
                bar.update()
            return results
        with ThreadPoolExecutor(jobs) as parts, ThreadPoolExecutor(_PAIRS) as pairs:
            futures = [pairs.submit(score, item, parts.map) for item in todo]
            try:
                _follow(futures, bar)
            except BaseException:
                pairs.shutdown(wait=False, cancel_futures=True)
                raise
            return [future.result() for future in futures]


def _follow(futures: list[Future[_Result]], bar: "tqdm[None]") -> None:
    for future in as_completed(futures):
        # An error is raised here, before the remaining pairs are begun.
        future.result()
        bar.update()


def _keep_freed_memory() -> None:
    """Frees one large block, after which glibc keeps smaller ones for reuse.

    Otherwise it hands the working arrays of every slab back to the system, whose page faults then take more
    time than the arithmetic.
    """
    block = np.empty(_KEPT_BYTES, dtype=np.uint8)
    del block


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Makes SIGTERM raise KeyboardInterrupt inside the block, as SIGINT does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:
        # Signals belong to the main thread; in another one they end the process as usual.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)
