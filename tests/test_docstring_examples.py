"""The examples in the docstrings of what a user may import run as they stand."""

import doctest
import importlib
from pathlib import Path

import pytest

__all__: list[str] = []

EXAMPLES = {
    "evaluation.scoring.evaluate": ("evaluate_task",),
    "pairs.fields.encoding": ("encode", "decode"),
    "pairs.tasks.task": ("read_task",),
    "pipeline.network.model": ("RegistrationNet",),
    "pipeline.network.warp": ("warp", "compose", "integrate"),
    "pipeline.registration.registrar": ("Registrar",),
    "pipeline.weights.bundle": ("Bundle", "read_bundle"),
}


@pytest.mark.parametrize("module", EXAMPLES)
def test_examples_run(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(("module", "names"), EXAMPLES.items())
def test_every_name_has_an_example(module: str, names: tuple[str, ...]) -> None:
    loaded = importlib.import_module(module)
    assert [name for name in names if ">>> " not in (getattr(loaded, name).__doc__ or "")] == []
