"""One command of the project in a process of its own: what a user would type, with its time and memory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from pairs.errors import KnownError, Stopped

__all__ = ["NoFigure", "Spent", "of_all_the_data", "run_module"]

ROOT = Path(__file__).resolve().parents[1]


class NoFigure(KnownError):
    """There is no figure to print: a command failed, or what it gave is wrong."""

    exit_code = 1
    code = "no-figure"


@dataclass(frozen=True)
class Spent:
    """What a process took from its start to its end.

    Attributes:
        wall_s: Wall-clock seconds, with the start of Python and all imports.
        peak_mib: Peak resident memory.
    """

    wall_s: float
    peak_mib: float


def run_module(*arguments: str | Path, log: Path | None = None, threads: int | None = None) -> Spent:
    """Runs `python -m ARGUMENTS` in this checkout; its stderr is passed on.

    Linux counts the memory of the parent at the start of a process as the process's own, so a caller that
    wants the memory must not have loaded torch.

    Args:
        arguments: The module and its arguments.
        log: File that takes its stdout; None drops it.
        threads: That it may use; None leaves it at those of this process.

    Raises:
        NoFigure: If the exit code is not 0; the command has said why on stderr.
        Stopped: If a signal ended it.
    """
    command = [sys.executable, "-m", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    start = time.perf_counter()
    with Path(log or os.devnull).open("ab") as output:
        # In a group of its own, or Ctrl-C would reach it twice: a second signal ends it with nothing saved.
        process = subprocess.Popen(command, env=environment, stdout=output, process_group=0)
        with _signals_passed_on(process):
            # Of this process alone, where RUSAGE_CHILDREN would give the largest of all so far.
            _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode in (Stopped.exit_code, -signal.SIGINT, -signal.SIGTERM):
        raise Stopped("stopped by a signal", remedy="run the same command to go on")
    if process.returncode:
        raise NoFigure("command failed", where=" ".join(command[1:]), got=f"exit {process.returncode}")
    return Spent(wall_s, usage.ru_maxrss / 2**10)


@contextmanager
def of_all_the_data(made: Path) -> Iterator[None]:
    """Within it, a command that fails leaves no file behind.

    One that left subjects or pairs out has written the file all the same, and the next call would take it.

    Args:
        made: The file that the command writes.
    """
    try:
        yield
    except NoFigure:
        made.unlink(missing_ok=True)
        raise


@contextmanager
def _signals_passed_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """SIGINT and SIGTERM go to the process, which saves what it has; this one then ends with it."""

    def pass_on(number: int, _frame: FrameType | None) -> None:
        process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
