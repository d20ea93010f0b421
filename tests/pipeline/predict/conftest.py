"""A prediction run on the tiny task, in this process, with its own weights file and output folder."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline import stopping
from pipeline.__main__ import main
from pipeline.bundle import Bundle, write_bundle

__all__ = ["output", "predict", "rewrite_task", "weights"]


@pytest.fixture(autouse=True)
def _signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A run listens for signals; the next test must find the process as it was."""
    monkeypatch.setattr(stopping, "_requested", False)
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def weights(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    write_bundle(path, tiny_bundle)
    return path


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Where the fields go; a run creates it."""
    return tmp_path / "out"


@pytest.fixture
def predict(tiny_task: Path, output: Path, weights: Path) -> Callable[..., int]:
    """`predict TASK OUT` with more arguments; a later --weights wins. Returns the exit code."""

    def run(*arguments: object) -> int:
        words = ["predict", tiny_task, output, "--weights", weights, "--device", "cpu", *arguments]
        return main([str(word) for word in words])

    return run


@pytest.fixture
def rewrite_task(tiny_task: Path) -> Callable[..., None]:
    """Sets keys of the task's dataset JSON."""

    def rewrite(**keys: object) -> None:
        path = tiny_task / "TinyMR_dataset.json"
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | keys), encoding="utf-8")

    return rewrite
