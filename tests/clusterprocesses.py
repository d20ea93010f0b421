"""A Dask scheduler and workers as processes of their own, which end with the test that starts them."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

__all__ = [
    "ROOT",
    "Start",
    "ended",
    "free_port",
    "kill_all",
    "printed",
    "scheduler",
    "start",
    "start_scheduler",
    "start_worker",
    "until",
    "worker_processes",
]

ROOT = Path(__file__).resolve().parents[1]
WAIT_S = 240.0

Start = Callable[..., subprocess.Popen[str]]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a Python module as a process; its output goes to a file named after it."""
    started: list[subprocess.Popen[str]] = []

    def run(*words: object, root: Path = ROOT, **surroundings: str) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", **surroundings}
        path = tmp_path / f"process{len(started)}.log"
        with path.open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, *map(str, words)],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                # One that is killed with its children is killed as a group.
                start_new_session=True,
                cwd=tmp_path,
            )
        process.log = path
        started.append(process)
        return process

    yield run
    for process in started:
        kill_all(process)


def kill_all(process: subprocess.Popen[str]) -> None:
    """Kills a process and its children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait(WAIT_S)


def until(what: Callable[[], object], process: subprocess.Popen[str] | None = None) -> None:
    """Waits until something holds; a process that ends before is the end of the test."""
    end = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < end, process and process.log.read_text()
        assert process is None or process.poll() is None, process.log.read_text()
        time.sleep(0.05)


def printed(process: subprocess.Popen[str]) -> str:
    text: str = process.log.read_text(encoding="utf-8")
    return text


def ended(process: subprocess.Popen[str]) -> int:
    """The exit code of a process that ends by itself."""
    try:
        return process.wait(WAIT_S)
    except subprocess.TimeoutExpired:
        pytest.fail(f"it does not end: {printed(process)}")


@pytest.fixture
def scheduler(start: Start) -> str:
    """The address of a scheduler that runs."""
    return start_scheduler(start)[0]


def start_scheduler(start: Start) -> tuple[str, subprocess.Popen[str]]:
    port = free_port()
    words = ("-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
    process = start(*words)

    def listens() -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    until(listens, process)
    return f"tcp://127.0.0.1:{port}", process


def start_worker(start: Start, address: str, *words: object, **options: object) -> subprocess.Popen[str]:
    process = start("-m", "textscf", "worker", address, *words, **options)
    until(lambda: re.search(r"workers? of .* for tcp", printed(process)), process)
    return process


def worker_processes(process: subprocess.Popen[str]) -> Sequence[int]:
    """The processes that do the work of one that was started as `worker` or `predict --workers`."""
    return [
        one.pid
        for one in psutil.Process(process.pid).children(recursive=True)
        if "multiprocessing.spawn" in " ".join(one.cmdline())
    ]
