"""One command of the project in a process of its own: what a user would type, with its time and memory."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from pairs.errors import KnownError

__all__ = ["BenchmarkFailed", "Spent", "run_module"]

ROOT = Path(__file__).resolve().parents[1]


class BenchmarkFailed(KnownError):
    """There is no figure to print: a command failed, or what it gave is wrong."""

    exit_code = 1
    code = "benchmark"


@dataclass(frozen=True)
class Spent:
    """What a process took from its start to its end.

    Attributes:
        wall_s: Wall-clock seconds, with the start of Python and all imports.
        peak_mib: Peak resident memory.
    """

    wall_s: float
    peak_mib: float


def run_module(*arguments: str | Path) -> Spent:
    """Runs `python -m ARGUMENTS` in this checkout; its stdout is dropped, its stderr passed on.

    Linux counts the memory of the parent at the start of a process as the process's own, so the caller must
    not have loaded torch.

    Raises:
        BenchmarkFailed: If the exit code is not 0; the command has told why on stderr.
    """
    command = [sys.executable, "-m", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    # Of this process alone, where RUSAGE_CHILDREN would tell the largest of all so far.
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchmarkFailed("command failed", where=" ".join(command[1:]), got=f"exit {process.returncode}")
    return Spent(wall_s, usage.ru_maxrss / 2**10)
