"""The table of verbs: every module is there, and so is every benchmark."""

import importlib
from pathlib import Path

import pytest

from benchmarks.command import BENCHMARKS
from textscf.overview import verb_of
from textscf.verbs import VERBS, Verb

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb.module], ids=lambda verb: verb.name)
def test_the_module_of_a_verb_can_be_called(verb: Verb) -> None:
    module = importlib.import_module(str(verb.module))
    assert callable(module.add_arguments)
    assert callable(module.run)
    assert all((ROOT / name).is_file() for name in verb.packages)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_module_of_a_benchmark_can_be_called(name: str) -> None:
    assert callable(importlib.import_module(f"benchmarks.{name}").main)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["evaluate", "--task", "a"], "evaluate"),
        (["/input", "/output"], "predict"),
        (["--profile", "l2r2022", "/input"], "predict"),
        (["no-verb"], None),
        ([], None),
    ],
)
def test_the_verb_of_a_command_line(words: list[str], name: str | None) -> None:
    verb = verb_of(words)
    assert (None if verb is None else verb.name) == name


def test_a_folder_in_place_of_a_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("task").mkdir()
    Path("check").mkdir()
    for words, name in ((["task", "out"], "predict"), (["check", "--task", "task"], "check")):
        verb = verb_of(words)
        assert verb is not None
        assert verb.name == name
