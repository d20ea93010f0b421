"""Tables on the tiny task, their commands run in this process."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import TaskConfig
from pipeline.weights.bundle import Bundle, write_bundle
from studies import budget, ownsegmentor, setting, structures, trial
from studies.process import NoFigure, Spent
from tests.tinytask import *  # noqa: F403
from textscf.program import main

__all__ = ["commands", "reproduce"]

Reproduce = Callable[..., int]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Every command that a table runs, in order; a process for each would take seconds to start."""
    seen: list[tuple[str, ...]] = []

    def run(*arguments: str | Path, log: Path | None = None) -> Spent:
        words = tuple(map(str, arguments))
        seen.append(words)
        code = main(words[1:])
        if code:
            raise NoFigure("command failed", where=" ".join(words), got=f"exit {code}")
        return Spent(0.0, 0.0)

    for module in (budget, ownsegmentor, setting, structures, trial):
        monkeypatch.setattr(module, "run_module", run)
    return seen


@pytest.fixture
def reproduce(
    tiny_task: Path, tiny_config: TaskConfig, tiny_bundle: Bundle, tmp_path: Path, commands: object
) -> Reproduce:
    """Runs the command on the tiny task with a segmentor of random weights; `out` is the folder."""
    written = tmp_path / "config.json"
    written.write_text(tiny_config.model_dump_json())
    segmentor = tmp_path / "segmentor.safetensors"
    header = tiny_bundle.header.model_copy(update={"training": {"segmentor": {"steps": 50}}})
    write_bundle(segmentor, Bundle(header, segmentor=tiny_bundle.segmentor))

    def run(name: str, *more: object) -> int:
        arguments = ["reproduce", name, "--task", tiny_task, "--config", written, "--segmentor", segmentor]
        arguments += ["--embedder", "one-hot", "--budget", "1steps", "--seeds", 1, "--device", "cpu"]
        return main([str(word) for word in (*arguments, "--out", tmp_path / "out", *more)])

    return run
