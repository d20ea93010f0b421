"""SIGKILL at any moment of a run: the same command finishes it, byte for byte, and leaves nothing over."""

import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from pairs.files import temporary, wholefile

__all__: list[str] = []

Predict = Callable[..., int]

# A child of this process has all libraries loaded; it runs on one thread, so nothing is missing in it.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def started(predict: Predict, *arguments: object) -> BaseProcess:
    """A run in a process of its own."""
    process = multiprocessing.get_context("fork").Process(target=predict, args=arguments)
    process.start()
    return process


def kill_at(monkeypatch: pytest.MonkeyPatch, step: str, file: int) -> None:
    """Kills the process at a step of writing, while it writes its n-th file."""
    calls: list[int] = []

    def reached(now: str) -> None:
        if now == step:
            calls.append(1)
            if len(calls) > file:
                os.kill(os.getpid(), signal.SIGKILL)

    new, sync, replace = temporary._new, wholefile._sync, Path.replace

    def killing_new(folder: Path, suffix: str, *, is_folder: bool) -> tuple[Path, int]:
        made = new(folder, suffix, is_folder=is_folder)
        reached("opened")
        return made

    def killing_sync(path: Path) -> None:
        if path.is_dir():
            return
        reached("written")
        sync(path)
        reached("synced")

    def killing_replace(path: Path, target: Path) -> Path:
        result = replace(path, target)
        reached("renamed")
        return result

    monkeypatch.setattr(temporary, "_new", killing_new)
    monkeypatch.setattr(wholefile, "_sync", killing_sync)
    monkeypatch.setattr(Path, "replace", killing_replace)


def contents(output: Path) -> dict[str, bytes]:
    """All files below, hidden ones too, but for the report, which tells times."""
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in output.rglob("*")
        if path.is_file() and path.name != "report.json"
    }


@pytest.fixture(scope="module")
def _known() -> dict[str, bytes]:
    """What the first test of this module finds for all of them."""
    return {}


@pytest.fixture
def unbroken(predict: Predict, output: Path, _known: dict[str, bytes]) -> dict[str, bytes]:
    """What a run writes that nothing happens to."""
    if not _known:
        assert predict() == 0
        _known |= contents(output)
        assert len([name for name in _known if name.startswith("disp_")]) == 3
        shutil.rmtree(output)
    return _known


@pytest.mark.parametrize("file", [0, 2, 5])
@pytest.mark.parametrize("step", ["opened", "written", "synced", "renamed"])
def test_a_kill_at_each_step_of_writing(
    predict: Predict,
    output: Path,
    unbroken: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    file: int,
) -> None:
    with monkeypatch.context() as patch:
        kill_at(patch, step, file)
        process = started(predict)
        process.join()
    assert process.exitcode == -signal.SIGKILL
    left = [name for name in contents(output) if ".partial-" in name]
    assert len(left) == (step != "renamed")
    assert predict() == 0
    assert contents(output) == unbroken


def test_kills_at_random_moments(predict: Predict, output: Path, unbroken: dict[str, bytes]) -> None:
    draw = random.Random(0)
    start = time.monotonic()
    process = started(predict)
    process.join()
    whole_s = time.monotonic() - start
    for _ in range(6):
        for path in output.glob("disp_*"):
            path.unlink()
        process = started(predict)
        time.sleep(draw.uniform(0, whole_s))
        process.kill()
        process.join()
    assert predict() == 0
    assert contents(output) == unbroken
