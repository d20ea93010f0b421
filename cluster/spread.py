"""The jobs of a run handed out to the workers: one at a time to each, so that a death has one cause."""

import heapq
import logging
import pickle
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from cluster.hand import Answer, Recipe
from cluster.news import News, Worker
from pairs.errors import KnownError, TooLittleMemory

if TYPE_CHECKING:
    from cluster.engine import Engine

__all__ = ["TRIES", "Job", "Spread"]

log = logging.getLogger(__name__)

TRIES = 3
"""So many workers may die of a job."""
_LOOK_S = 1.0
_PATIENCE_S = 0.2
_LONELY_S = 5.0


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes:
        name: Of its own.
        content: What a worker is given.
        after: Names of jobs that come before it.
        otherwise: What a worker is given once too many died of the job, or of one before it; without it the
            job has no result then.
    """

    name: str
    content: object
    after: tuple[str, ...] = ()
    otherwise: object = None


@dataclass
class _Hired:
    """A worker of this run, and the ticket of what it was asked last."""

    worker: Worker
    ticket: int
    ready: bool = False
    job: str | None = None

    @property
    def called(self) -> str:
        return f"worker {self.worker.name} ({self.worker.address})"


class Spread:
    """One run over the workers of an engine.

    Args:
        engine: The connection to them.
        recipe: How each of them gets ready.
        jobs: What is to be done.
        heed: Called all the time; it may raise to end the run.
        alive: Told the number of workers that are ready whenever it changes.
    """

    def __init__(
        self,
        engine: "Engine",
        recipe: Recipe,
        jobs: Sequence[Job],
        heed: Callable[[], None],
        alive: Callable[[int], None],
    ) -> None:
        self._engine = engine
        self._recipe = pickle.dumps(recipe)
        self._heed = heed
        self._alive = alive
        self._jobs = {job.name: job for job in jobs}
        self._rank = {job.name: rank for rank, job in enumerate(jobs)}
        self._order = TopologicalSorter({job.name: job.after for job in jobs})
        self._ready: list[tuple[int, str]] = []
        self._deaths: Counter[str] = Counter()
        # Jobs that are replaced by what is done otherwise, and those that have no result.
        self._given_up: set[str] = set()
        self._hired: dict[str, _Hired] = {}
        self._refused: dict[str, KnownError] = {}
        self._unready = 0
        self._looked = self._seen = time.monotonic()
        self._heard: set[tuple[int, str]] = set()

    def results(self) -> Iterator[tuple[str, object]]:
        """Yields the name and result of each job as soon as it is done.

        Raises:
            Stopped: The scheduler is gone.
            KnownError: All workers were refused; the last refusal.
            Exception: What a job raised that is a fault of the program.
        """
        self._order.prepare()
        self._release()
        self._look()
        while self._order.is_active():
            self._heed()
            if time.monotonic() - self._looked > _LOOK_S:
                self._look()
            self._hand_out()
            news = self._engine.news(_PATIENCE_S)
            done = None if news is None else self._take(news)
            if done is not None:
                # The worker has its next job while this one's result is dealt with.
                self._hand_out()
                yield done

    def _look(self) -> None:
        """Who has come, and who has gone."""
        living = self._engine.workers()
        self._looked = time.monotonic()
        for gone in self._hired.keys() - living.keys():
            self._lose(gone)
        for worker in living.values():
            if worker.address not in self._hired and worker.address not in self._refused:
                ticket = self._engine.hire(worker, self._recipe)
                self._hired[worker.address] = _Hired(worker, ticket)
        if self._hired:
            self._seen = self._looked
        elif living:
            raise self._refused[next(iter(living))]
        elif self._looked - self._seen > _LONELY_S:
            log.warning("no worker lives; the run goes on as soon as one comes")
            self._seen = float("inf")

    def _hand_out(self) -> None:
        for hired in self._hired.values():
            if hired.ready and hired.job is None and self._ready:
                _, name = heapq.heappop(self._ready)
                job = self._jobs[name]
                content = job.otherwise if name in self._given_up else job.content
                hired.job, hired.ticket = name, self._engine.ask(hired.worker, content)

    def _take(self, news: News) -> tuple[str, object] | None:
        """The name and result of a job, where the news is one."""
        hired = self._hired.get(news.worker)
        if hired is None or hired.ticket != news.ticket:
            # Of a worker that was taken for lost.
            return None
        if news.lost:
            self._lose(news.worker)
        elif news.refusal is not None:
            self._refuse(hired, news.refusal)
        elif news.answer is None:
            hired.ready = True
            self._unready = 0
            self._count()
        else:
            return self._answered(hired, news.answer)
        return None

    def _answered(self, hired: _Hired, answer: Answer) -> tuple[str, object] | None:
        self._say(answer)
        name, hired.job = hired.job, None
        if name is None:
            return None
        if isinstance(answer.error, KnownError):
            # Not of the job, which has its faults in its result: of the worker, such as its full disk.
            heapq.heappush(self._ready, (self._rank[name], name))
            self._refuse(hired, answer.error)
            return None
        if answer.error is not None:
            raise answer.error
        self._order.done(name)
        self._release()
        return name, answer.value

    def _say(self, answer: Answer) -> None:
        """What a worker logged; what all of them say, such as of the weights, is said once."""
        for record in answer.told:
            said = record.levelno, record.getMessage()
            if said not in self._heard:
                self._heard.add(said)
                logging.getLogger(record.name).handle(record)

    def _refuse(self, hired: _Hired, error: KnownError) -> None:
        log.warning("%s is refused: %s", hired.called, error)
        self._refused[hired.worker.address] = error
        self._forget(hired)
        self._look()

    def _lose(self, worker: str) -> None:
        hired = self._hired[worker]
        self._forget(hired)
        if hired.job is None:
            self._unready += not hired.ready
            if self._unready >= TRIES:
                raise TooLittleMemory(
                    "workers die while they get ready",
                    got=f"{self._unready} in a row, the last was {hired.called}",
                    remedy="give them more memory, or start fewer on a machine",
                )
            return
        self._deaths[hired.job] += 1
        died = self._deaths[hired.job]
        log.warning("%s was lost at %s, try %d of %d", hired.called, hired.job, died, TRIES)
        if died < TRIES:
            heapq.heappush(self._ready, (self._rank[hired.job], hired.job))
        else:
            self._give_up(hired.job)
            self._release()

    def _forget(self, hired: _Hired) -> None:
        del self._hired[hired.worker.address]
        self._engine.dismiss(hired.worker.address)
        self._count()

    def _count(self) -> None:
        self._alive(sum(hired.ready for hired in self._hired.values()))

    def _give_up(self, name: str) -> None:
        """The job is done otherwise; where it cannot be, or was already, it has no result."""
        is_new = name not in self._given_up
        self._given_up.add(name)
        if is_new and self._jobs[name].otherwise is not None:
            self._deaths[name] = 0
            heapq.heappush(self._ready, (self._rank[name], name))
        else:
            self._order.done(name)

    def _release(self) -> None:
        """The jobs that nothing is left before."""
        while free := self._order.get_ready():
            for name in free:
                if self._given_up.intersection(self._jobs[name].after):
                    self._give_up(name)
                else:
                    heapq.heappush(self._ready, (self._rank[name], name))
