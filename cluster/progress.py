"""One bar over all workers: what is done, how fast, and who lives."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from pairs.process.counting import counted

__all__ = ["Progress", "progress"]

log = logging.getLogger(__name__)

_FORM = "{l_bar}{bar}| {n_fmt}/{total_fmt} pairs [{elapsed}<{remaining}{postfix}]"


class Progress:
    """What is said of a run while it runs.

    Args:
        bar: Of the terminal; None where there is none, and lines say how many workers live.
    """

    def __init__(self, bar: "tqdm[None] | None") -> None:
        self._bar = bar
        self._workers = 0
        self._done = 0
        self._begun_s = time.monotonic()

    def alive(self, workers: int) -> None:
        """So many workers are ready now."""
        if workers == self._workers:
            return
        self._workers = workers
        if self._bar is None:
            log.info("%s at work", counted(workers, "worker"))
        else:
            self._show(self._bar)

    def advance(self) -> None:
        """One more pair is done."""
        self._done += 1
        if self._bar is not None:
            self._show(self._bar)
            self._bar.update()

    def _show(self, bar: "tqdm[None]") -> None:
        minutes = (time.monotonic() - self._begun_s) / 60
        pace = f"{self._done / minutes:.1f} pairs/min, " if self._done else ""
        bar.set_postfix_str(f"{pace}{counted(self._workers, 'worker')}", refresh=self._done == 0)


@contextmanager
def progress(done: int, total: int) -> Iterator[Progress]:
    """The progress of a run; on a terminal a bar, with the log above it.

    Args:
        done: Pairs that were done before.
        total: All pairs.
    """
    if not sys.stderr.isatty():
        yield Progress(None)
        return
    with (
        logging_redirect_tqdm(),
        tqdm(initial=done, total=total, unit="pair", bar_format=_FORM) as bar,
    ):
        yield Progress(bar)
