"""What goes wrong on a host: the exit codes of the program, and one line each."""

from collections.abc import Callable
from pathlib import Path

import pytest

__all__: list[str] = []


def test_absent_input(contained: Callable, fields: Path) -> None:
    done = contained("/absent", "/output", mounts={fields: "/output"})
    assert done.code == 2
    assert "/absent" in done.error_line


def test_nothing_mounted(contained: Callable) -> None:
    done = contained()
    assert done.code == 2
    assert "/input" in done.error_line


@pytest.mark.parametrize("content", ["", "{", '{"registration_val": 7}'])
def test_wrong_json(contained: Callable, fields: Path, tmp_path: Path, content: str) -> None:
    task = tmp_path / "task"
    task.mkdir()
    (task / "Any_dataset.json").write_text(content, encoding="utf-8")
    done = contained("/input", "/output", mounts={task: "/input:ro", fields: "/output"})
    assert done.code == 2
    assert "/input" in done.error_line


def test_unwritable_output(contained: Callable, demo_task: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o755)
    done = contained("/input", "/output", mounts={demo_task: "/input:ro", closed: "/output"})
    assert done.code == 5
    assert "/output" in done.error_line
    assert list(closed.iterdir()) == []


def test_full_disk(contained: Callable, demo_task: Path) -> None:
    locked = {"/tmp": "", "/output": "size=100k,mode=1777"}
    done = contained("/input", "/output", mounts={demo_task: "/input:ro"}, tmpfs=locked)
    assert done.code == 5
    assert "No space left" in done.error_line


def test_too_little_memory(contained: Callable, demo_task: Path, fields: Path) -> None:
    mounts = {demo_task: "/input:ro", fields: "/output"}
    done = contained("/input", "/output", mounts=mounts, mem_limit="200m", memswap_limit="200m")
    assert done.code == 1
    assert "memory" in done.error_line
    assert list(fields.glob("disp_*")) == []
