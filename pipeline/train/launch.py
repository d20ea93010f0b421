"""A training by several processes of this machine: they are started, watched, and ended together."""

import logging
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, NamedTuple

import torch

from pairs.errors import Stopped, UsageError
from pairs.process.cores import available_cores, thread_count
from pipeline.machine.stopping import interruptible
from pipeline.train.member import SIGNALS, Work, take_part

__all__ = ["launch", "require_processes"]

log = logging.getLogger(__name__)

_GRACE_S = 60.0
"""So long may the leader take for its checkpoint once the training is to end."""
_NOT_FAILED = (None, 0, Stopped.exit_code)


class _Member(NamedTuple):
    """One of the processes."""

    process: SpawnProcess
    errors: Connection
    """Gives the known error that ended it."""


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
    if count > available_cores():
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
        KnownError: one of the others failed, and says why.
    """
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        members = []
        for rank in range(count):
            errors, sender = context.Pipe(duplex=False)
            parts = (rank, count, work, arguments, device, Path(folder, "meeting"), sender)
            members.append(_Member(context.Process(target=take_part, args=parts), errors))
        try:
            with _surroundings(count):
                for member in members:
                    member.process.start()
            failed = _first_failed(members)
        finally:
            _end(members)
    leader = members[0]
    if failed is None or leader.process.exitcode == 0:
        failed = leader
    return _verdict(failed, f"process {members.index(failed) + 1} of {count}", checkpoint)


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
    # Were it to start with the first process, it would let the signals through again.
    resource_tracker.ensure_running()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
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


def _first_failed(members: Sequence[_Member]) -> _Member | None:
    """The one that failed first, once one has; None where the leader has ended, or a signal has arrived."""
    processes = [member.process for member in members]
    with suppress(Stopped), interruptible():
        while True:
            # Looked at once: without those that end meanwhile there might be nothing to wait for, for ever.
            codes = [process.exitcode for process in processes]
            if codes[0] is not None or any(codes):
                break
            wait([one.sentinel for one, code in zip(processes, codes, strict=True) if code is None])
    # A process that has lost another stops; the other is the one that failed.
    codes = [process.exitcode for process in processes]
    return next((one for one, code in zip(members, codes, strict=True) if code not in _NOT_FAILED), None)


def _end(members: Sequence[_Member]) -> None:
    """Ends those that still run: the leader after its checkpoint, the others have nothing to lose."""
    started = [member.process for member in members if member.process.pid is not None]
    if started and started[0].is_alive():
        started[0].terminate()
        started[0].join(_GRACE_S)
    for process in started:
        process.kill()
        process.join()


def _verdict(decisive: _Member, name: str, checkpoint: Path) -> int:
    """The exit code of the whole by that of one process, which may have sent an error.

    Raises:
        KnownError: it has.
        Stopped: it was killed.
    """
    # A process that sends none closes its end.
    with suppress(EOFError):
        if decisive.errors.poll():
            raise decisive.errors.recv()
    code = decisive.process.exitcode
    if code is None or code < 0:
        raise Stopped(
            "training stopped",
            where=checkpoint if checkpoint.is_file() else None,
            got=f"{name} ended by {signal.Signals(-(code or signal.SIGKILL)).name}",
            remedy="run the same command to go on",
        )
    return code
