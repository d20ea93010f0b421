"""What is kept of earlier trials, and what is done again."""

import json
import signal
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.methods import trials as module
from benchmarks.methods.trial import PROFILE, Trial
from benchmarks.methods.trials import Trials
from pairs.fields.displacement import find_field, read_displacement, write_displacement
from pairs.files.wholefile import write_json
from pairs.images.header import read_header
from pairs.tasks.task import read_task
from studies.process import NoFigure, Spent

__all__: list[str] = []

DONE = Trial(1.5, 2.5, 300.0)
METHODS = {"one": "one 1.0", "two": "two 1.0"}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, shifted_task: Path) -> list[str]:
    """The methods that a process was started for; each gives a displacement of 1 voxel."""
    started: list[str] = []
    pair = read_task(shifted_task).pairs[0]

    def run(*words: str | Path) -> Spent:
        options = dict(zip(words[2::2], words[3::2], strict=True))
        started.append(str(words[1]))
        write_displacement(Path(options["--fields"]), pair, np.ones((48, 48, 48, 3), np.float32), PROFILE)
        write_json(Path(options["--out"]), asdict(DONE))
        return Spent(9.0, 400.0)

    monkeypatch.setattr(module, "run_module", run)
    return started


@pytest.fixture
def trials(shifted_task: Path, tmp_path: Path) -> Trials:
    made = Trials(shifted_task, read_task(shifted_task), tmp_path / "work", 60)
    made.begin()
    return made


def go(trials: Trials, methods: dict[str, str] = METHODS) -> dict[str, Trial]:
    return dict(trials.of(trials.task.pairs[0], methods))


def displacement(trials: Trials, name: str) -> np.ndarray:
    pair = trials.task.pairs[0]
    field = find_field(trials.work / name / "fields", pair)
    return read_displacement(field, read_header(pair.fixed).shape).displacement


def test_what_was_tried_is_not_tried_again(trials: Trials, calls: list[str]) -> None:
    assert go(trials) == {"one": DONE, "two": DONE}
    assert go(trials) == {"one": DONE, "two": DONE}
    assert calls == ["one", "two"]
    assert read_task(trials.source, pairs_file=trials.work / "pairs.json").pairs == trials.task.pairs


def other_version(trials: Trials, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    return {**METHODS, "two": "two 1.1"}


def other_threads(trials: Trials, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(module, "thread_count", lambda: 64)
    return {"two": METHODS["two"]}


def other_images(trials: Trials, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(module, "_digest", lambda path: path.name)
    return {"two": METHODS["two"]}


def no_field(trials: Trials, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    find_field(trials.work / "two" / "fields", trials.task.pairs[0]).unlink()
    return METHODS


def damaged_record(trials: Trials, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    (record,) = (trials.work / "two" / "trials").iterdir()
    record.write_text('{"made_from": ')
    return METHODS


@pytest.mark.parametrize(
    "change", [other_version, other_threads, other_images, no_field, damaged_record], ids=lambda f: f.__name__
)
def test_a_trial_of_something_else_is_done_again(
    trials: Trials,
    calls: list[str],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Trials, pytest.MonkeyPatch], dict[str, str]],
) -> None:
    go(trials)
    go(trials, change(trials, monkeypatch))
    assert calls == ["one", "two", "two"]


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (f"exit {-signal.SIGALRM}", "took longer than 60 s"),
        (f"exit {-signal.SIGSEGV}", "its process ended with exit -11"),
    ],
)
def test_a_process_that_ends_early_leaves_the_identity(
    trials: Trials, calls: list[str], monkeypatch: pytest.MonkeyPatch, end: str, why: str
) -> None:
    succeed = module.run_module

    def fail(*words: str | Path) -> Spent:
        calls.append("failed")
        raise NoFigure("command failed", got=end)

    monkeypatch.setattr(module, "run_module", fail)
    assert go(trials, {"one": "one 1.0"})["one"].failure == why
    assert not displacement(trials, "one").any()
    (record,) = (trials.work / "one" / "trials").iterdir()
    assert json.loads(record.read_text())["trial"]["failure"] == why
    # It is kept too, until there is more time.
    go(trials, {"one": "one 1.0"})
    assert calls == ["failed"]
    monkeypatch.setattr(module, "run_module", succeed)
    assert go(replace(trials, limit_s=120), {"one": "one 1.0"})["one"] == DONE
    assert displacement(trials, "one").all()
