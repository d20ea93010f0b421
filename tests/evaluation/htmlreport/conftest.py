"""Reports of tiny tasks: written by the command, read as text or in a real Chromium."""

import json
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pairs.tasks.task import Task, read_task
from textscf.program import main

__all__ = ["Page", "browser", "renamed", "report_of", "run_record"]


class Page(HTMLParser):
    """The elements of a page in their order, with the text of each kind."""

    VOID = ("meta", "link", "input", "img", "source", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self._open.append(tag)
            self.words.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for tag in set(self._open):
            self.words[tag][-1] += data

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of each element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def report_of(tmp_path: Path) -> Callable[..., Path]:
    """A function that runs `report` on a task and its fields, and returns the page."""

    def write(task: Task, fields: Path, *options: str, code: int = 0) -> Path:
        out = tmp_path / "report.html"
        arguments = ["report", "--task", task.root, "--fields", fields, "--out", out, *options]
        assert main([str(one) for one in arguments]) == code
        return out

    return write


@pytest.fixture
def renamed() -> Callable[..., Task]:
    """A function that changes the description of a task, and can take its label maps away."""

    def change(task: Task, *, keep_labels: bool = True, **entries: object) -> Task:
        path = task.root / "Tiny_dataset.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | entries))
        if not keep_labels:
            shutil.rmtree(task.root / "labelsTr")
        return read_task(task.root)

    return change


@pytest.fixture
def run_record() -> Callable[..., None]:
    """A function that writes the report.json of a run beside fields, with some entries changed."""

    def write(task: Task, fields: Path, **entries: object) -> None:
        pair = {
            "status": "done",
            "fingerprint": "",
            "seconds": 1.5,
            "peak_memory_mib": 600.0,
            "device": "cpu",
        }
        document = {
            "task": task.name,
            "profile": "l2r2022",
            "device": "cpu",
            "torch": "2.13.0",
            "version": "0.3.0",
            "program": "abc",
            "method": "network",
            "weights": "Tiny.safetensors",
            "weights_sha256": "f" * 64,
            "warnings": [],
            "pairs": [pair | {"pair": one.name} for one in task.pairs],
        }
        (fields / "report.json").write_text(json.dumps(document | entries))

    return write


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Chromium without a window, driven by Playwright; skips where one of them is missing."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright of requirements-dev.txt")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium: sudo apt-get install chromium")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program)
        yield chromium
        chromium.close()
