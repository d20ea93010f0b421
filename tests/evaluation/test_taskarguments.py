"""Every command that reads a task takes the same pair lists and follows links when asked."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pairs.tasks.task import Task
from textscf.program import main

__all__: list[str] = []


@pytest.fixture
def linked(tiny_task: Task, tmp_path: Path) -> Path:
    """The tiny task with a folder of images and one of labels that lie elsewhere."""
    root = tmp_path / "linked"
    root.mkdir()
    for path in tiny_task.root.iterdir():
        if path.is_dir():
            (root / path.name).symlink_to(path)
        else:
            (root / path.name).write_bytes(path.read_bytes())
    return root


@pytest.mark.parametrize(
    ("verb", "more"),
    [("evaluate", ()), ("check", ()), ("submit", ("--zip", "a.zip")), ("picture", ("--out", "a.png"))],
)
def test_pair_lists_and_links(
    linked: Path,
    tiny_task: Task,
    fields_of: Callable[[Task, float], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    more: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    fields = fields_of(tiny_task, 1.0)
    Path("pairs.csv").write_text("fixed;moving\n1;3\n")
    command = [verb, "--task", str(linked), "--fields", str(fields), "--pairs", "pairs.csv", *more]
    assert main(command) == 2
    assert "line 2, column fixed: symlink leaves the task folder" in capsys.readouterr().err
    # The check may find the constant fields suspicious; that it reads one pair is what counts here.
    assert main([*command, "--follow-links"]) in (0, 1)
    captured = capsys.readouterr()
    assert "symlink leaves" not in captured.err
    if verb != "picture":
        assert "1 pair" in captured.out
