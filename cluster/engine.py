"""The one door to Dask: its client, its local cluster and its workers."""

import asyncio
import logging
import os
import queue
import signal
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client, Future, Nanny, Scheduler, SpecCluster, rpc

from cluster.hand import Hand, sources_version
from cluster.news import News, Worker
from pairs.errors import KnownError, Stopped, UsageError

__all__ = ["Engine", "connected", "local", "serve"]

_CONNECT_S = 10
_START_S = 60
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


class Engine:
    """A connection to a scheduler and its workers."""

    def __init__(self, client: Client, address: str) -> None:
        self._client = client
        self._address = address
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._hands: dict[str, Future[Any]] = {}
        self._actors: dict[str, Any] = {}
        self._tickets = 0
        self._loop: asyncio.AbstractEventLoop = client.loop.asyncio_loop  # type: ignore[union-attr]

    @property
    def dashboard(self) -> str | None:
        """Where the dashboard of the scheduler is; None where it serves none."""
        services = self._client.scheduler_info(n_workers=0).get("services", {})
        return self._client.dashboard_link if "dashboard" in services and has_bokeh() else None

    def workers(self) -> Mapping[str, Worker]:
        """Returns the workers that live, by their addresses.

        Raises:
            Stopped: The scheduler does not answer any more.
        """
        try:
            if self._client.status != "running":
                raise OSError(self._client.status)
            known = self._client.scheduler_info()["workers"]
        except (OSError, TimeoutError, asyncio.CancelledError) as error:
            raise Stopped(
                "the scheduler is gone",
                where=self._address,
                remedy="start one with workers, then the same command again, which does the rest",
            ) from error
        return {address: Worker(address, str(one["name"])) for address, one in known.items()}

    def hire(self, worker: Worker, recipe: bytes) -> int:
        """Makes a worker ready; its news come later. Returns the ticket."""
        self._tickets += 1
        return self._follow(self._await_hand(worker, self._tickets, recipe))

    def ask(self, worker: Worker, job: object) -> int:
        """Gives a worker that is ready a job; its news come later. Returns the ticket."""
        self._tickets += 1
        coming = self._actors[worker.address].perform(job)
        return self._follow(self._await_answer(worker.address, self._tickets, coming))

    def dismiss(self, worker: str) -> None:
        """Forgets a worker that is lost or refused."""
        self._actors.pop(worker, None)
        made = self._hands.pop(worker, None)
        if made is not None:
            made.release()

    def news(self, patience_s: float) -> News | None:
        """Returns the next news, or None where there is none after a while."""
        try:
            return self._news.get(timeout=patience_s)
        except queue.Empty:
            return None

    def _follow(self, coming: Coroutine[Any, Any, None]) -> int:
        """Waits for something beside all else; returns its ticket."""
        asyncio.run_coroutine_threadsafe(coming, self._loop)
        return self._tickets

    async def _await_hand(self, worker: Worker, ticket: int, recipe: bytes) -> None:
        try:
            refusal = await self._refusal(worker, recipe)
            self._news.put(News(worker.address, ticket, refusal=refusal))
        except (OSError, asyncio.CancelledError):
            self._news.put(News(worker.address, ticket, lost=True))
        except Exception as error:
            # Raised where its process cannot even read what it is asked.
            foreign = UsageError(
                "it cannot run this program",
                got=f"{type(error).__name__}: {error}",
                remedy="start it with the verb `worker` of this image or checkout",
            )
            self._news.put(News(worker.address, ticket, refusal=foreign))

    async def _refusal(self, worker: Worker, recipe: bytes) -> KnownError | None:
        """Why a worker cannot do the jobs; None where it can.

        Raises:
            Exception: What it says where it knows nothing of them.
        """
        ours, theirs = sources_version(), await self._on(worker, sources_version)
        if theirs != ours:
            return UsageError(
                "it runs another version of the program",
                expected=ours,
                got=theirs,
                remedy="start it from the image or checkout that this command is from",
            )
        made = self._hands[worker.address] = self._on(worker, Hand, recipe, actor=True)
        actor = self._actors[worker.address] = await made
        fault = (await actor.ready()).error
        if fault is None or isinstance(fault, KnownError):
            return fault
        raise fault

    def _on(self, worker: Worker, *work: Any, actor: bool = False) -> "Future[Any]":  # noqa: ANN401 - Dask's
        return self._client.submit(
            *work,
            key=f"{work[0].__name__}-{uuid.uuid4().hex}",
            workers=[worker.address],
            allow_other_workers=False,
            pure=False,
            actor=actor,
        )

    async def _await_answer(self, worker: str, ticket: int, coming: Any) -> None:  # noqa: ANN401 - Dask's
        try:
            self._news.put(News(worker, ticket, await coming))
        except Exception:
            # A hand puts what goes wrong into its answer.
            self._news.put(News(worker, ticket, lost=True))


def has_bokeh() -> bool:
    """Whether what the dashboard is made of is installed here; it is not among our packages."""
    from importlib.util import find_spec

    return find_spec("bokeh") is not None


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
    """
    _be_quiet()
    scheduler = {"host": _HERE, "port": 0, "dashboard": False, "dashboard_address": _STATUS}
    with _threads(threads), dask.config.set(_SETTINGS):
        cluster = SpecCluster(
            scheduler={"cls": Scheduler, "options": scheduler},
            workers={
                number: {"cls": Nanny, "options": {**_worker(number, gpus), "host": _HERE}}
                for number in range(count)
            },
            silence_logs=logging.CRITICAL,
        )
        with cluster, Client(cluster, timeout=_START_S, direct_to_workers=True) as client:
            yield Engine(client, cluster.scheduler_address)


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
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    logging.getLogger("tornado").setLevel(logging.CRITICAL)


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
