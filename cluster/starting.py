"""Dask's processes: a connection to those that run, a cluster of this machine, workers for another one."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client, Nanny, Scheduler, SpecCluster, rpc

from cluster.engine import Engine
from pairs.errors import TooLittleMemory, UsageError

__all__ = ["connected", "local", "serve"]

_CONNECT_S = 10
_START_S = 60
_STARTS = 3
_HERE = "127.0.0.1"
# Scheduler and workers cannot do without a web server; nobody else shall see it.
_STATUS = f"{_HERE}:0"
_THREADS = "OMP_NUM_THREADS"
_SETTINGS = {
    # What a worker holds is in the hands of the program, which says what it needs.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    # Else they set variables that change how the program allocates.
    "distributed.nanny.pre-spawn-environ": {},
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.active-memory-manager.start": False,
}


@contextmanager
def connected(address: str) -> Iterator[Engine]:
    """A connection to a scheduler that runs already.

    Raises:
        UsageError: It does not answer.
    """
    _be_quiet()
    try:
        client = Client(address, timeout=_CONNECT_S, direct_to_workers=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise _no_scheduler(address, error) from error
    with client:
        yield Engine(client, address)


@contextmanager
def local(count: int, threads: int, gpus: int) -> Iterator[Engine]:
    """A cluster of this machine alone, which ends with the block.

    Args:
        count: Number of worker processes.
        threads: Of each of them.
        gpus: Of the machine; the workers take them in turn. 0 for none.

    Raises:
        TooLittleMemory: Workers die while they start.
    """
    _be_quiet()
    with _threads(threads), dask.config.set(_SETTINGS):
        cluster = _started(count, gpus)
        with cluster, Client(cluster, timeout=_START_S, direct_to_workers=True) as client:
            yield Engine(client, cluster.scheduler_address)


def _started(count: int, gpus: int) -> SpecCluster:
    """Dask gives up where a worker dies while it starts; it is then started anew.

    Raises:
        TooLittleMemory: Workers die each time.
    """
    scheduler = {"host": _HERE, "port": 0, "dashboard": False, "dashboard_address": _STATUS}
    workers = {
        number: {"cls": Nanny, "options": {**_worker(number, gpus), "host": _HERE}} for number in range(count)
    }
    failed = 0
    while True:
        try:
            return SpecCluster(
                scheduler={"cls": Scheduler, "options": scheduler},
                workers=workers,
                silence_logs=logging.CRITICAL,
            )
        except RuntimeError as error:
            failed += 1
            if failed == _STARTS:
                remedy = "give them more memory, or start fewer"
                raise TooLittleMemory("workers die while they start", got=error, remedy=remedy) from error


def serve(address: str, names: Sequence[str], threads: int, gpus: int, ready: Callable[[], None]) -> bool:
    """Workers of this machine for a scheduler on any; returns when they end.

    Args:
        address: Of the scheduler.
        names: Of the workers, one for each.
        threads: Of each of them.
        gpus: Of the machine; the workers take them in turn. 0 for none.
        ready: Called once they have found the scheduler.

    Returns:
        Whether they were told to end by a signal; otherwise the scheduler is gone.

    Raises:
        UsageError: The scheduler does not answer.
    """
    _be_quiet()
    with _threads(threads), dask.config.set(_SETTINGS):
        return asyncio.run(_serve(address, names, gpus, ready))


async def _serve(address: str, names: Sequence[str], gpus: int, ready: Callable[[], None]) -> bool:
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    try:
        async with rpc(address) as scheduler:
            await asyncio.wait_for(scheduler.identity(n_workers=0), _CONNECT_S)
    except (OSError, TimeoutError, ValueError) as error:
        raise _no_scheduler(address, error) from error
    nannies = [Nanny(address, name=name, **_worker(number, gpus)) for number, name in enumerate(names)]
    asked = asyncio.ensure_future(told.wait())
    try:
        await asyncio.gather(*nannies)
        ready()
        ended = asyncio.ensure_future(_all_ended(nannies))
        await asyncio.wait([asked, ended], return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
        await asyncio.gather(*(nanny.close() for nanny in nannies), return_exceptions=True)
    return told.is_set()


async def _all_ended(nannies: Sequence[Nanny]) -> bool:
    await asyncio.gather(*(nanny.finished() for nanny in nannies))
    return True


def _be_quiet() -> None:
    """What Dask logs of its connections means nothing to users; what matters is said here."""
    for name in ("distributed", "tornado", "asyncio", *logging.root.manager.loggerDict):
        # Some of Dask's modules have levels of their own.
        if name.partition(".")[0] in ("distributed", "tornado", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Processes that are started meanwhile have so many threads; a variable goes before Dask's settings."""
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = str(count)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before


def _worker(number: int, gpus: int) -> dict[str, Any]:
    """One worker: a process with one job at a time, whose work has threads of its own."""
    env = {"CUDA_VISIBLE_DEVICES": str(number % gpus)} if gpus else {}
    return {
        "nthreads": 1,
        "memory_limit": None,
        "env": env,
        "silence_logs": logging.CRITICAL,
        "dashboard": False,
        "dashboard_address": _STATUS,
    }


def _no_scheduler(address: str, error: Exception) -> UsageError:
    return UsageError(
        "the scheduler does not answer",
        where=address,
        expected=f"a Dask scheduler within {_CONNECT_S} s, such as tcp://HOST:8786",
        got=str(error) or type(error).__name__,
        remedy="check that it runs, its host and port, and that no firewall is between",
    )
