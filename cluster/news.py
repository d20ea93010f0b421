"""The workers of a cluster, and what comes back from them."""

from dataclasses import dataclass

from cluster.hand import Answer
from pairs.errors import KnownError

__all__ = ["News", "Worker"]


@dataclass(frozen=True)
class Worker:
    """A worker that lives.

    Attributes:
        address: Where it listens; it tells workers apart, as one that is started again listens elsewhere.
        name: What people call it.
    """

    address: str
    name: str


@dataclass(frozen=True)
class News:
    """What came back from a worker.

    Attributes:
        worker: The address of the worker.
        ticket: Of what it was asked; each has a number of its own.
        answer: To a job; None from a worker that is ready.
        refusal: Why a worker is not ready and never will be.
        lost: Whether the worker cannot be reached any more.
    """

    worker: str
    ticket: int
    answer: Answer | None = None
    refusal: KnownError | None = None
    lost: bool = False
