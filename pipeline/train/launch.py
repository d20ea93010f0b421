"""A training by several processes of this machine: they are started, watched, and ended together."""

import logging
import multiprocessing
import os
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from threading import RLock, Thread
from typing import Any

import torch
from tqdm import tqdm

from pairs.errors import Stopped, UsageError
from pairs.process.consolelog import log_to_console
from pairs.process.cores import available_cores, thread_count
from pairs.process.program import run_program
from pairs.process.surroundings import exit_code_of
from pipeline.machine.gpufailure import gpu_failure_reported
from pipeline.machine.stopping import interruptible, listen_for_signals

__all__ = ["launch", "require_processes"]

log = logging.getLogger(__name__)

Work = Callable[..., int]
"""Takes the arguments given and the ranks; returns an exit code."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_GRACE_S = 60.0
"""So long may the leader take for its checkpoint once the training is to end."""


def require_processes(count: int, batch: int, device: torch.device) -> None:
    """Refuse a number of processes that cannot train together; warn of one that only slows down.

    Args:
        count: of the processes.
        batch: items of a step in all of them together.
        device: where they train.

    Raises:
        UsageError: there is none, they cannot share the batch evenly, or there are fewer GPUs.
    """
    where = f"--processes {count}"
    if count < 1:
        raise UsageError("a training needs a process", where=where, expected="at least 1")
    if batch % count:
        raise UsageError(
            "the processes cannot share the batch evenly",
            where=where,
            expected=f"a divisor of the batch of {batch}",
            remedy=f"give --batch a multiple of {count}, or set `batch` in the configuration",
        )
    if device.type == "cuda" and count > torch.cuda.device_count():
        raise UsageError(
            "more processes than GPUs",
            where=where,
            expected=f"at most {torch.cuda.device_count()}",
            remedy="give fewer, or add --device cpu",
        )
    if count > max(1, available_cores()):
        log.warning("%d processes share %d cores", count, available_cores())


def launch(count: int, work: Work, arguments: Sequence[Any], device: torch.device, checkpoint: Path) -> int:
    """The exit code of a work that several processes do together.

    Args:
        count: of the processes.
        work: a function of a module; each process calls it.
        arguments: its first ones; they are pickled.
        device: where the processes train.
        checkpoint: what the leader leaves where the training ends too early.

    Raises:
        Stopped: this process was asked to stop, or one of the others was killed.
    """
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        meeting = Path(folder, "meeting")
        processes = [
            context.Process(target=_take_part, args=(rank, count, work, arguments, device, meeting))
            for rank in range(count)
        ]
        try:
            with _surroundings(count):
                for process in processes:
                    process.start()
            codes = _watched(processes)
        finally:
            _end(processes)
    return _verdict(codes, processes[0].exitcode, checkpoint)


@contextmanager
def _surroundings(count: int) -> Iterator[None]:
    """What the processes inherit: their share of the cores, and no signals before they can heed them."""
    changes = {
        "OMP_NUM_THREADS": str(max(1, thread_count() // count)),
        # They talk within the machine, also where it has no network.
        "GLOO_SOCKET_IFNAME": "lo",
        "NCCL_SOCKET_IFNAME": "lo",
        # What torch's sockets have to say means nothing to users.
        "TORCH_CPP_LOG_LEVEL": "FATAL",
    }
    before = {name: os.environ.get(name) for name in changes}
    # Which would let the signals through again, were it to start with the first process.
    resource_tracker.ensure_running()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _watched(processes: Sequence[SpawnProcess]) -> list[int | None]:
    """Exit codes, once the leader has ended, another has failed, or a signal has arrived."""
    leader = processes[0]
    with suppress(Stopped), interruptible():
        while leader.exitcode is None and not any(process.exitcode for process in processes):
            wait([process.sentinel for process in processes if process.exitcode is None])
    return [process.exitcode for process in processes]


def _end(processes: Sequence[SpawnProcess]) -> None:
    """Ends those that still run: the leader after its checkpoint, the others have nothing to lose."""
    started = [process for process in processes if process.pid is not None]
    if started and started[0].is_alive():
        started[0].terminate()
        started[0].join(_GRACE_S)
    for process in started:
        process.kill()
        process.join()


def _verdict(codes: Sequence[int | None], leader: int | None, checkpoint: Path) -> int:
    """The exit code of the whole, from those at the first failure and that of the leader at the end."""
    failed = [(rank, code) for rank, code in enumerate(codes) if code not in (None, 0, Stopped.exit_code)]
    for rank, code in failed:
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            raise _stopped(checkpoint, f"process {rank + 1} of {len(codes)} ended by {name}")
    if failed:
        # It has said why.
        return failed[0][1] or 1
    if leader is None or leader < 0 or leader == Stopped.exit_code:
        raise _stopped(checkpoint)
    return leader


def _stopped(checkpoint: Path, got: str | None = None) -> Stopped:
    where = checkpoint if checkpoint.is_file() else None
    return Stopped("training stopped", where=where, got=got, remedy="run the same command to go on")


def _take_part(
    rank: int, count: int, work: Work, arguments: Sequence[Any], device: torch.device, meeting: Path
) -> None:
    """What each process does; the leader alone says anything, but for errors."""
    from pipeline.train.processgroup import joined

    def command() -> int:
        _heed(leads=rank == 0)
        try:
            with gpu_failure_reported(), joined(rank, count, device, meeting) as ranks:
                return work(*arguments, ranks)
        except Stopped:
            # Of all of them the first process speaks.
            return Stopped.exit_code

    run_program(lambda: exit_code_of(command))


def _heed(*, leads: bool) -> None:
    """The leader stops with a checkpoint when it, or the first process, is told to; the others are ended."""
    first = multiprocessing.parent_process()

    def follow() -> None:
        if first is not None:
            first.join()
        if leads:
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            os._exit(Stopped.exit_code)

    # In place of a lock between processes, which one that is killed would leave behind.
    tqdm.set_lock(RLock())
    if leads:
        log_to_console()
        listen_for_signals(patient=True)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    else:
        # They would only repeat what the leader says.
        logging.disable()
        warnings.simplefilter("ignore")
    Thread(target=follow, daemon=True).start()
