"""`worker ADDRESS`: processes of this machine for a Dask scheduler on any."""

import argparse
import logging
import os
import socket

import torch

from cluster.options import require_cluster
from pairs.errors import Stopped
from pairs.process.cores import thread_count
from pairs.process.counting import counted
from pipeline.machine.device import DEVICES, choose_device

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `worker`."""
    parser.add_argument("scheduler", metavar="ADDRESS", help="of the Dask scheduler, such as tcp://HOST:8786")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes (default: one for each GPU, or one)"
    )
    parser.add_argument("--device", choices=DEVICES, default="auto")


def run(options: argparse.Namespace) -> int:
    """Work until a signal comes; returns 0.

    Raises:
        UsageError: The scheduler does not answer, or there are fewer workers than one.
        Stopped: The scheduler has gone.
    """
    # Dask takes a second to load and everything else does without it.
    from cluster.starting import serve

    require_cluster(options.workers, None)
    gpus = torch.cuda.device_count() if choose_device(options.device).type == "cuda" else 0
    count: int = options.workers or gpus or 1
    threads = max(1, thread_count() // count)
    names = [f"{socket.gethostname()}-{os.getpid()}-{number}" for number in range(1, count + 1)]
    started = f"{counted(count, 'worker')} of {counted(threads, 'thread')} for {options.scheduler}"
    if not serve(options.scheduler, names, threads, gpus, lambda: log.info("%s", started)):
        raise Stopped("the scheduler is gone", where=options.scheduler, remedy="run the same command again")
    return 0
