"""What killed runs left beside a result goes when the command is given again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pairs.tasks.task import Task
from textscf.program import main

__all__: list[str] = []


@pytest.mark.parametrize(
    ("verb", "option", "name"),
    [
        ("evaluate", "--json", "a.json"),
        ("evaluate", "--csv", "a.csv"),
        ("evaluate", "--plot", "a.png"),
        ("submit", "--zip", "a.zip"),
        ("picture", "--out", "a.png"),
        ("check", "--fix", "repaired"),
    ],
)
def test_leftovers_beside_a_result_are_removed(
    tiny_task: Task,
    fields_of: Callable[[Task, float], Path],
    left_behind: Callable[[Path], Path],
    tmp_path: Path,
    verb: str,
    option: str,
    name: str,
) -> None:
    results = tmp_path / "results"
    results.mkdir()
    leftover = left_behind(results)
    command = [verb, "--task", tiny_task.root, "--fields", fields_of(tiny_task, 0.0), option, results / name]
    assert main([str(word) for word in command]) == 0
    assert not leftover.exists()
    assert [path.name for path in results.iterdir()] == [name]
