"""What a worker holds for one run: the work made ready once, and done job by job."""

import logging
import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pairs.process.consolelog import PACKAGES as LOGGED
from pairs.process.sources import version_of
from pairs.process.surroundings import known_error

__all__ = ["Answer", "Hand", "Recipe", "sources_version"]

_PACKAGES = ("pairs", "cluster", "pipeline", "evaluation")


class Recipe(ABC):
    """How a worker gets ready; it is pickled, so it holds paths rather than what lies there."""

    @abstractmethod
    def prepare(self) -> Callable[[Any], object]:
        """Makes what does the jobs of a run, one after the other.

        Raises:
            KnownError: This worker cannot do them; it is refused by name, with this sentence.
        """


@dataclass(frozen=True)
class Answer:
    """What became of a job.

    Attributes:
        value: Its result.
        error: What was raised in its place.
        told: What was logged meanwhile.
    """

    value: object = None
    error: Exception | None = None
    told: tuple[logging.LogRecord, ...] = ()


class Hand:
    """An actor of Dask: it stays in its worker and answers one job at a time.

    It never raises: Dask would not say so of an actor, and wait.

    Args:
        recipe: A pickled `Recipe`.
    """

    def __init__(self, recipe: bytes) -> None:
        self._told = _Told()
        self._do: Callable[[Any], object] | None = None
        self._fault: Exception | None = None
        try:
            # Of our own client, by a scheduler that may run any code here anyway (docs/cluster.md). It is
            # unpacked here, and not by Dask, so that what goes wrong is an answer.
            self._do = pickle.loads(recipe).prepare()
        except Exception as error:
            self._fault = known_error(error) or error

    def ready(self) -> Answer:
        """Says whether it can do jobs; the error of the answer is why not."""
        return Answer(error=self._fault)

    def perform(self, job: object) -> Answer:
        """Does a job; what it raises is a part of the answer, so that all else means a lost worker."""
        value, error = None, self._fault
        try:
            value = None if self._do is None else self._do(job)
        except Exception as raised:
            error = raised
        return Answer(value, error, self._told.taken())


class _Told(logging.Handler):
    """Keeps what is logged in this process, for the client to say."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._kept: list[logging.LogRecord] = []
        for package in LOGGED:
            logger = logging.getLogger(package)
            # One run at a time is heard here.
            logger.handlers = [self]
            logger.propagate = False
            logger.setLevel(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a record, in a form that can be pickled."""
        if record.exc_info:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.msg, record.args, record.exc_info = record.getMessage(), None, None
        self._kept.append(record)

    def taken(self) -> tuple[logging.LogRecord, ...]:
        """Returns what was kept since the last call."""
        taken, self._kept = tuple(self._kept), []
        return taken


@cache
def sources_version() -> str:
    """The version of the sources of this process, of all that workers run."""
    return version_of(Path(__file__).resolve().parents[1], _PACKAGES)
