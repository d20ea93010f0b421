"""A task without labels: its fields are scored by their regularity, and that is said."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.__main__ import main
from pairs.task import Task, label_path

__all__: list[str] = []


def test_only_regularity_is_scored(
    tiny_task: Task,
    fields_of: Callable[[Task, float], Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fields, out = fields_of(tiny_task, 0.0), tmp_path / "metrics.json"
    description = tiny_task.root / "Tiny_dataset.json"
    document = json.loads(description.read_text(encoding="utf-8"))
    description.write_text(json.dumps(document | {"labels": {}}), encoding="utf-8")
    for pair in tiny_task.pairs:
        for image in (pair.fixed, pair.moving):
            label_path(image).unlink(missing_ok=True)
    words = ["evaluate", "--task", tiny_task.root, "--fields", fields, "--json", out]
    assert main([str(word) for word in words]) == 0
    assert "Tiny has no labels; only the regularity of its fields is scored" in caplog.text
    cases = json.loads(out.read_text(encoding="utf-8"))["cases"]
    assert len(cases) == 3
    assert {name for case in cases.values() for name in case} == {"LogJacDetStd", "num_foldings"}
