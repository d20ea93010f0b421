"""The entry point as a script, with a stand-in for Python that prints what it is called with."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

__all__: list[str] = []

ENTRYPOINT = Path(__file__).resolve().parents[2] / "docker" / "entrypoint.sh"


@pytest.fixture
def start(tmp_path: Path) -> "Iterator[Start]":
    """Starts the entry point with `script` for Python; what still runs in the end is killed."""
    calls = Start(tmp_path)
    yield calls
    for process in calls.processes:
        # The shell's child too, which would keep the pipes open.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


class Start:
    """Calls of the entry point in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[str]] = []
        (folder / "bin").mkdir()

    def __call__(self, script: str, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        python = self.folder / "bin" / "python3"
        python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        python.chmod(0o755)
        environment = {
            "PATH": f"{python.parent}:{os.environ['PATH']}",
            "TMPDIR": str(self.folder),
            **settings,
        }
        # A caller in the background may have SIGINT ignored, which a shell cannot undo.
        process = subprocess.Popen(
            ["env", "--default-signal=INT", str(ENTRYPOINT), *arguments],
            env=environment,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def printed(self, *arguments: str, **settings: str) -> str:
        """What Python is called with, and the number of threads that the caller set."""
        process = self('echo "$* ${OMP_NUM_THREADS:-unset}"', *arguments, **settings)
        out, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        return out.strip()


@pytest.mark.parametrize(
    "words", [("in", "out"), ("predict", "in", "out"), ("evaluate", "--x", "a b"), ("info",), ("--help",)]
)
def test_command_lines_are_handed_on(start: Start, words: tuple[str, ...]) -> None:
    assert start.printed(*words) == f"-m textscf {' '.join(words)} unset"


def test_dataset_json_of_the_2022_challenge(start: Start, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "output").mkdir()
    path = tmp_path / "data" / "NLST_dataset.json"
    path.touch()
    expected = f"-m textscf predict {path} {tmp_path / 'output'} --profile l2r2022 unset"
    assert start.printed("-c", str(path), "--profile", "l2r2022") == expected


@pytest.mark.parametrize(("asked", "given"), [("1", "1"), ("64", "16"), ("4,2", "4,2"), ("64,2", "16")])
def test_threads_are_the_callers_up_to_what_a_process_limit_bears(
    start: Start, asked: str, given: str
) -> None:
    assert start.printed("info", OMP_NUM_THREADS=asked).endswith(f" {given}")


@pytest.mark.parametrize("code", [0, 1, 5, 75])
def test_exit_code_is_that_of_the_program(start: Start, code: int) -> None:
    process = start(f"exit {code}", "info")
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == code


def test_a_kill_is_told_in_one_line(start: Start) -> None:
    process = start("kill -9 $$", "info")
    _, error = process.communicate(timeout=30)
    assert process.returncode == 1
    assert error.startswith("error: the program was killed")
    assert error.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_program_and_its_answer_is_awaited(start: Start, number: int) -> None:
    process = start('trap "sleep 0.3; exit 75" TERM; echo ready; while :; do sleep 0.1; done', "info")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.wait(timeout=30) == 75


def test_caches_are_private_and_removed(start: Start, tmp_path: Path) -> None:
    process = start('echo "$XDG_CACHE_HOME"; stat -c %a "$XDG_CACHE_HOME"', "info")
    out, _ = process.communicate(timeout=30)
    folder, mode = out.split()
    assert Path(folder).parent == tmp_path
    assert mode == "700"
    assert not Path(folder).exists()
