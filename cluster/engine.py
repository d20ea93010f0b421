"""Dask's client: who lives, who is asked what, and what comes back."""

import asyncio
import queue
import uuid
from collections.abc import Coroutine, Mapping
from typing import Any

from distributed import Client, Future

from cluster.hand import Hand, sources_version
from cluster.news import News, Worker
from pairs.errors import KnownError, Stopped, UsageError

__all__ = ["Engine"]


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

        # Its pages need a package that Dask does without. The question travels as code; see `_refusal`.
        def serves() -> bool:
            from importlib.util import find_spec

            return find_spec("bokeh") is not None

        return self._client.dashboard_link if self._client.run_on_scheduler(serves) else None

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

        # A function without a name of its own travels as code: a worker that lacks our modules would not
        # say so of one that it has to look up there, and never answer.
        def version() -> str:
            from cluster.hand import sources_version

            return sources_version()

        ours, theirs = sources_version(), await self._on(worker, version)
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
