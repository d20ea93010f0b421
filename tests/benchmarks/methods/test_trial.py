"""A trial: the tools themselves on a known shift, the limit, and what a failure leaves.

The tools are installed with requirements-rivals.txt; a test whose tool is missing is skipped.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.methods import trial as module
from benchmarks.methods.catalogue import METHODS
from benchmarks.methods.method import Method, NotAtHand, Register
from benchmarks.methods.trial import main, read_trial
from pairs.fields.displacement import find_field, read_displacement
from pairs.images.header import read_header
from pairs.tasks.task import Task, read_task
from tests.benchmarks.conftest import SHIFT_VOX

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[3]
PAIR = "0001_0000<--0002_0000"
NEED_WEIGHTS = ("bundled", "general-regions")


def arguments(task: Path, work: Path, *, limit_s: float = 300) -> list[str]:
    """Of a trial; the folders that it needs are made."""
    for name in ("fields", "scratch"):
        (work / name).mkdir()
    named = {
        "--task": task,
        "--pairs": task.parent / "pairs.json",
        "--pair": PAIR,
        "--fields": work / "fields",
        "--scratch": work / "scratch",
        "--limit-s": limit_s,
        "--out": work / "trial.json",
    }
    return [str(word) for option in named.items() for word in option]


def process(code: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, *code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in METHODS if name not in NEED_WEIGHTS])
def test_a_tool_finds_a_known_shift(shifted_task: Path, tmp_path: Path, name: str) -> None:
    task = read_task(shifted_task)
    try:
        METHODS[name].made_by(task)
    except NotAtHand as error:
        pytest.skip(str(error))
    here = tmp_path / "here"
    here.mkdir()
    # In a process of its own: ITK ends the process where its warnings are made errors, as they are here.
    done = process(["-m", "benchmarks.methods.trial", name, *arguments(shifted_task, tmp_path)], here)
    assert done.returncode == 0, done.stderr
    found = read_trial(tmp_path / "trial.json")
    assert found.failure is None
    assert found.wall_s > 0
    assert found.cpu_s > 0
    assert found.peak_mib > 50
    shape = read_header(task.pairs[0].fixed).shape
    u = read_displacement(find_field(tmp_path / "fields", task.pairs[0]), shape).displacement
    inner = u[14:-14, 14:-14, 14:-14].reshape(-1, 3)
    assert np.abs(np.median(inner, axis=0) - SHIFT_VOX).max() < 0.3
    assert list(here.iterdir()) == [], "files are left where the program runs"


def fake(register: Register) -> dict[str, Method]:
    return {"fake": Method("fake", True, lambda task: "fake 1", lambda task: register)}


def test_what_a_tool_raises_is_a_failed_trial(
    shifted_task: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def register(*_: object) -> None:
        raise RuntimeError("no samples\nleft")

    monkeypatch.setattr(module, "METHODS", fake(register))
    assert main(["fake", *arguments(shifted_task, tmp_path)]) == 0
    assert read_trial(tmp_path / "trial.json").failure == r"RuntimeError: no samples\nleft"
    assert list((tmp_path / "fields").iterdir()) == []


def test_the_result_is_converted_after_the_clock_has_stopped(
    shifted_task: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = read_header(read_task(shifted_task).pairs[0].fixed).shape
    clock = iter((10.0, 12.5))
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(
        module, "METHODS", fake(lambda pair, folder: lambda: np.full((*shape, 3), 2.0, np.float32))
    )
    assert main(["fake", *arguments(shifted_task, tmp_path)]) == 0
    assert read_trial(tmp_path / "trial.json").wall_s == 2.5
    (field,) = (tmp_path / "fields").iterdir()
    assert (read_displacement(field, shape).displacement == 2).all()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_method_that_takes_too_long_is_ended(shifted_task: Path, tmp_path: Path) -> None:
    script = """
import sys, time
from benchmarks.methods import trial
from benchmarks.methods.method import Method
trial.METHODS = {"slow": Method("slow", True, lambda task: "", lambda task: lambda *_: time.sleep(60))}
sys.exit(trial.main(sys.argv[1:]))
"""
    done = process(["-c", script, "slow", *arguments(shifted_task, tmp_path, limit_s=0.2)], tmp_path)
    assert done.returncode == -signal.SIGALRM, done.stderr
    assert not (tmp_path / "trial.json").exists()


def test_a_package_that_is_missing_is_named(shifted_task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import PackageNotFoundError

    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("benchmarks.methods.method.version", version)
    with pytest.raises(NotAtHand, match=r"antspyx.*requirements-rivals\.txt"):
        METHODS["ants"].made_by(read_task(shifted_task))


@pytest.mark.parametrize("name", NEED_WEIGHTS)
def test_a_task_without_shipped_weights(shifted_task: Path, name: str) -> None:
    task: Task = read_task(shifted_task)
    with pytest.raises(NotAtHand, match="no weights are shipped: Toy"):
        METHODS[name].made_by(task)
