"""One method on one pair in a process of its own: its displacement, its time and its memory."""

import argparse
import dataclasses
import json
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.methods.catalogue import METHODS
from pairs.errors import KnownError, report_and_exit_code
from pairs.fields.displacement import PROFILES, write_displacement
from pairs.files.regularfile import read_regular
from pairs.files.wholefile import write_json
from pairs.process.cores import limit_threads, thread_count
from pairs.process.logline import bounded
from pairs.tasks.pair import Pair
from pairs.tasks.task import Task, read_task

__all__ = ["PROFILE", "Trial", "main", "read_trial"]

PROFILE = PROFILES["l2r2022"]
"""Full resolution, in which nothing is lost."""


@dataclass(frozen=True)
class Trial:
    """What a method took for a pair, from the image files to its own result in memory or in files.

    Attributes:
        wall_s: Wall-clock seconds; libraries and weights were loaded before.
        cpu_s: Seconds of all cores together.
        peak_mib: Peak resident memory of the process until then, Python and libraries included.
        failure: Why there is no displacement; None where there is one.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float
    failure: str | None = None


def read_trial(path: Path) -> Trial:
    """Reads what `main` wrote."""
    return Trial(**json.loads(read_regular(path)))


def _try(name: str, task: Task, pair: Pair, options: argparse.Namespace) -> Trial:
    register = METHODS[name].prepare(task)
    # The default action ends the process wherever it is, in compiled code too.
    signal.setitimer(signal.ITIMER_REAL, options.limit_s)
    wall, cpu = time.perf_counter(), time.process_time()
    result = register(pair, options.scratch)
    trial = Trial(
        time.perf_counter() - wall,
        time.process_time() - cpu,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10,
    )
    signal.setitimer(signal.ITIMER_REAL, 0)
    write_displacement(options.fields, pair, result(), PROFILE)
    return trial


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="trial", description=__doc__)
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("--task", type=Path, required=True, help="task folder")
    parser.add_argument("--pairs", type=Path, required=True, help="pair list")
    parser.add_argument("--pair", required=True, help="name of the pair in it")
    parser.add_argument("--fields", type=Path, required=True, help="folder that takes the displacement")
    parser.add_argument("--scratch", type=Path, required=True, help="empty folder for files on the way")
    parser.add_argument("--limit-s", type=float, required=True, help="end the process after so many seconds")
    parser.add_argument("--out", type=Path, required=True, help="JSON file that takes the figures")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Registers and writes displacement and figures; returns the exit code."""
    options = _parser().parse_args(arguments)
    limit_threads()
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = str(thread_count())
    try:
        task = read_task(options.task, pairs_file=options.pairs)
        (pair,) = (pair for pair in task.pairs if pair.name == options.pair)
        try:
            trial = _try(options.method, task, pair, options)
        # Tools raise what they like, and a pair that fails is a result like any other.
        except Exception as error:
            trial = Trial(math.nan, math.nan, math.nan, bounded(f"{type(error).__name__}: {error}"))
        write_json(options.out, dataclasses.asdict(trial), strict=False)
    except KnownError as error:
        return report_and_exit_code(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
