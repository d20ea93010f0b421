"""One of the processes that `launch` starts: its part of the work, its signals, and what it reports."""

import logging
import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from threading import RLock, Thread
from typing import Any

import torch
from tqdm import tqdm

from pairs.errors import Stopped
from pairs.process.consolelog import log_to_console
from pairs.process.program import run_program
from pairs.process.surroundings import known_error
from pipeline.machine.gpufailure import gpu_failure_reported
from pipeline.machine.stopping import listen_for_signals

__all__ = ["SIGNALS", "Work", "take_part"]

Work = Callable[..., int]
"""Takes the arguments that are given to `launch`, and the ranks; returns an exit code."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""They are blocked when the process begins."""


def take_part(
    rank: int,
    count: int,
    work: Work,
    arguments: Sequence[Any],
    device: torch.device,
    meeting: Path,
    errors: Connection,
) -> None:
    """The whole life of the process.

    Args:
        rank: of this process.
        count: of the processes.
        work: what they do together.
        arguments: its first ones.
        device: where they work.
        meeting: see `joined`.
        errors: takes the known error that ends this process, for the first process to report.
    """
    # Not for a training of one process, which imports this module too.
    from pipeline.train.processgroup import joined

    def part() -> int:
        _heed(leads=rank == 0)
        try:
            with gpu_failure_reported(), joined(rank, count, device, meeting) as ranks:
                return work(*arguments, ranks)
        except Exception as error:
            known = known_error(error)
            if known is None:
                raise
            errors.send(known)
            return known.exit_code

    run_program(part)


def _heed(*, leads: bool) -> None:
    """The leader stops with a checkpoint when it is told to, or the first process is gone.

    The others have nothing to lose: they end with the first process, or by it.
    """
    # In place of a lock between processes, which one that is killed would leave behind.
    tqdm.set_lock(RLock())
    if leads:
        log_to_console()
        listen_for_signals(patient=True)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    else:
        # They would only repeat what the leader says.
        logging.disable()
        warnings.simplefilter("ignore")
    Thread(target=_follow, args=(leads,), daemon=True).start()


def _follow(leads: bool) -> None:
    """Ends this process after the first one, however that ended."""
    first = multiprocessing.parent_process()
    if first is not None:
        first.join()
    if leads:
        os.kill(os.getpid(), signal.SIGTERM)
    else:
        os._exit(Stopped.exit_code)
