"""The options of commands that can work with several processes, and the engine that they name."""

import argparse
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pairs.errors import UsageError
from pairs.process.cores import available_cores, thread_count

if TYPE_CHECKING:
    from cluster.engine import Engine

__all__ = ["add_cluster_options", "opened_engine", "require_cluster"]

log = logging.getLogger(__name__)


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--workers` and `--scheduler`."""
    parser.add_argument("--workers", type=int, metavar="N", help="work with N processes of this machine")
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="work with the Dask cluster of this scheduler, tcp://HOST:PORT"
    )


def require_cluster(workers: int | None, scheduler: str | None) -> None:
    """Refuses what cannot be; warns of what only slows down.

    Args:
        workers: What `--workers` says.
        scheduler: What `--scheduler` says.

    Raises:
        UsageError: Both are given, or there are fewer workers than one.
    """
    if workers is not None and scheduler is not None:
        raise UsageError(
            "both --workers and --scheduler", expected="one of them: a scheduler has workers of its own"
        )
    if workers is not None and workers < 1:
        raise UsageError("a run needs a worker", where=f"--workers {workers}", expected="at least 1")
    if workers is not None and workers > available_cores():
        log.warning("%d workers share %d cores", workers, available_cores())


@contextmanager
def opened_engine(workers: int | None, scheduler: str | None, gpus: int = 0) -> "Iterator[Engine]":
    """The workers that are asked for, while the block lasts.

    Args:
        workers: What `--workers` says; they share the threads of this machine.
        scheduler: What `--scheduler` says, which goes first.
        gpus: Of this machine; its workers take them in turn. 0 where they work without.

    Raises:
        UsageError: The scheduler does not answer.
    """
    # Dask takes a second to load and everything else does without it.
    from cluster.starting import connected, local

    if scheduler is not None:
        with connected(scheduler) as engine:
            if engine.dashboard is not None:
                log.info("dashboard: %s", engine.dashboard)
            yield engine
        return
    count = workers or 1
    with local(count, max(1, thread_count() // count), gpus) as engine:
        yield engine
