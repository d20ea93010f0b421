"""Workers that die, are refused or are slow: every job is done all the same, or said to be lost."""

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.clusterprocesses import (
    ROOT,
    Start,
    ended,
    kill_all,
    printed,
    start_scheduler,
    start_worker,
    until,
    worker_processes,
)

__all__: list[str] = []

pytestmark = pytest.mark.slow

NAMES = [f"job{number}" for number in range(12)]
# They take longer than a worker needs to get ready, or to say why it cannot.
MANY = [f"job{number}" for number in range(100)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "results"
    path.mkdir()
    return path


def client(start: Start, address: str, folder: Path, *names: str) -> subprocess.Popen[str]:
    return start("-m", "tests.clusterjobs", address, folder, *names)


def done(process: subprocess.Popen[str]) -> list[str]:
    """Names of the jobs whose result is what they return."""
    words = [line.split() for line in printed(process).splitlines()]
    return sorted(one[0] for one in words if len(one) == 2 and one[0] == one[1])


def test_a_killed_worker_costs_nothing(start: Start, scheduler: str, folder: Path) -> None:
    workers = start_worker(start, scheduler, "--workers", "2", "--device", "cpu", OMP_NUM_THREADS="2")
    run = client(start, scheduler, folder, *NAMES)
    until(lambda: any(folder.iterdir()), run)
    os.kill(worker_processes(workers)[0], signal.SIGKILL)
    assert ended(run) == 0, printed(run)
    assert done(run) == sorted(NAMES)


def test_all_workers_killed_and_others_come(start: Start, scheduler: str, folder: Path) -> None:
    workers = start_worker(start, scheduler)
    run = client(start, scheduler, folder, *NAMES)
    until(lambda: any(folder.iterdir()), run)
    kill_all(workers)
    until(lambda: "no worker lives" in printed(run), run)
    start_worker(start, scheduler)
    assert ended(run) == 0, printed(run)
    assert done(run) == sorted(NAMES)


def test_a_job_that_kills_its_workers_is_given_up_and_the_others_are_done(
    start: Start, scheduler: str, folder: Path
) -> None:
    start_worker(start, scheduler)
    # "last" comes after a job that has no result.
    run = client(start, scheduler, folder, "kill", *NAMES, "last")
    assert ended(run) == 0, printed(run)
    assert done(run) == sorted(NAMES)
    assert "kill otherwise" in printed(run).splitlines()
    assert [f"was lost at kill, try {died} of 3" in printed(run) for died in (1, 2, 3, 4)] == [True] * 3 + [
        False
    ]


@pytest.mark.parametrize(
    ("breaks", "message"), [("weights", "it has other weights"), ("disk", "No space left")]
)
def test_a_worker_that_cannot_work_is_refused_by_name(
    start: Start, scheduler: str, folder: Path, breaks: str, message: str
) -> None:
    start_worker(start, scheduler)
    start_worker(start, scheduler, BREAKS=breaks)
    run = client(start, scheduler, folder, *MANY)
    assert ended(run) == 0, printed(run)
    assert done(run) == sorted(MANY)
    (line,) = [line for line in printed(run).splitlines() if "is refused" in line]
    assert line.startswith("warning: worker ")
    assert message in line


def test_a_run_without_a_worker_that_can_work_ends(start: Start, scheduler: str, folder: Path) -> None:
    start_worker(start, scheduler, "--workers", "2", "--device", "cpu", BREAKS="disk", OMP_NUM_THREADS="2")
    run = client(start, scheduler, folder, *NAMES)
    assert ended(run) == 5, printed(run)
    assert printed(run).splitlines()[-1].startswith("error: cannot write")


def test_workers_of_other_programs_are_refused(
    start: Start, scheduler: str, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    for package in ("pairs", "cluster", "pipeline", "evaluation", "textscf"):
        shutil.copytree(ROOT / package, other / package, ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "pipeline" / "typing.py").open("a") as source:
        source.write("\n")
    start_worker(start, scheduler)
    start_worker(start, scheduler, root=other)
    # Dask's own, which knows no module of ours.
    start("-m", "distributed.cli.dask_worker", scheduler, "--no-dashboard", root=tmp_path)
    run = client(start, scheduler, folder, *MANY)
    until(lambda: printed(run).count("is refused") == 2, run)
    assert ended(run) == 0, printed(run)
    assert done(run) == sorted(MANY)
    assert "it runs another version of the program" in printed(run)
    assert "it cannot run this program; got ModuleNotFoundError" in printed(run)


def test_a_slow_worker_holds_nobody_up(start: Start, scheduler: str, folder: Path) -> None:
    start_worker(start, scheduler, BREAKS="slow")
    start_worker(start, scheduler)
    run = client(start, scheduler, folder, *NAMES)
    assert ended(run) == 0, printed(run)
    assert done(run) == sorted(NAMES)
    shares = Counter(path.suffix for path in folder.iterdir())
    assert max(shares.values()) >= 9


def test_the_scheduler_killed_ends_the_run_and_the_workers(start: Start, folder: Path) -> None:
    address, scheduler = start_scheduler(start)
    workers = start_worker(start, address)
    run = client(start, address, folder, *NAMES)
    until(lambda: any(folder.iterdir()), run)
    kill_all(scheduler)
    assert ended(run) == 75, printed(run)
    assert f"error: the scheduler is gone: {address}" in printed(run)
    assert ended(workers) == 75, printed(workers)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "tcp://192.0.2.1:8786", "nowhere", "tcp://h"])
def test_a_scheduler_that_does_not_answer(start: Start, folder: Path, address: str) -> None:
    begun = time.monotonic()
    run, worker = client(start, address, folder, "job"), start("-m", "textscf", "worker", address)
    assert (ended(run), ended(worker)) == (2, 2), printed(run) + printed(worker)
    assert time.monotonic() - begun < 60
    for one in (run, worker):
        (line,) = printed(one).splitlines()
        assert line.startswith(f"error: the scheduler does not answer: {address}; expected a Dask scheduler")
