"""How many threads to work with: the cores at hand, less what a container allows; the user's word first."""

import math
import os
from pathlib import Path

from pairs.process.controlgroups import control_groups, limits_in

__all__ = ["available_cores", "limit_threads", "thread_count"]

_THREADS = "OMP_NUM_THREADS"
# OpenMP, OpenBLAS and the scorer each start as many threads, and a limit of processes counts them all.
_PROCESSES_PER_THREAD = 8


def thread_count() -> int:
    """Returns the number of threads to use: `OMP_NUM_THREADS` where it is set, else the cores at hand."""
    # OpenMP takes a list too, one number for each level of nesting.
    asked = os.environ.get(_THREADS, "").partition(",")[0].strip()
    return int(asked) if asked.isdecimal() and int(asked) > 0 else available_cores()


def limit_threads() -> None:
    """Sets `OMP_NUM_THREADS` where the user has not; numerical libraries read it when they are loaded."""
    os.environ[_THREADS] = os.environ.get(_THREADS) or str(available_cores())


def available_cores(root: Path = Path("/")) -> int:
    """Returns the number of cores this process may keep busy, at least 1.

    That is the number it may run on, less where a control group has a quota of processor time (a quota of
    one and a half cores counts as two) or a low limit of processes.

    Args:
        root: Where `proc` and `sys` lie.
    """
    cores = [float(len(os.sched_getaffinity(0)))]
    for folder in control_groups(root):
        cores += _quota(folder)
        cores += [limit / _PROCESSES_PER_THREAD for limit in limits_in(folder / "pids.max")]
    return max(1, math.ceil(min(cores)))


def _quota(folder: Path) -> list[float]:
    """Cores' worth of processor time, or nothing where there is no limit."""
    for numbers in (
        limits_in(folder / "cpu.max"),
        [*limits_in(folder / "cpu.cfs_quota_us"), *limits_in(folder / "cpu.cfs_period_us")],
    ):
        if len(numbers) == 2 and min(numbers) > 0:
            return [numbers[0] / numbers[1]]
    return []
