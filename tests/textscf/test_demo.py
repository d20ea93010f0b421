"""`demo`: its four steps, where things are, and the first failure as the end."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from textscf import demo
from textscf.program import main
from textscf.verbs import Verb

__all__: list[str] = []


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the demo hands on; `predict` fails into folders called `failing`."""
    seen: list[list[str]] = []

    def hand_on(verb: Verb, arguments: Sequence[str]) -> int:
        seen.append([verb.name, *arguments])
        return int(verb.name == "predict" and "failing" in arguments[0])

    monkeypatch.setattr(demo, "hand_on", hand_on)
    return seen


def test_the_steps_share_their_folders(
    steps: list[list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "my demo"
    assert main(["demo", str(folder)]) == 0
    task, fields, picture = (str(folder / name) for name in ("task", "fields", "demo.png"))
    assert steps == [
        ["demo-task", task],
        ["predict", task, fields],
        ["evaluate", "--task", task, "--fields", fields],
        ["picture", "--task", task, "--fields", fields, "--out", picture],
    ]
    assert capsys.readouterr().out == f"task     {task}\nfields   {fields}\npicture  {picture}\n"


def test_the_first_failure_ends_it(steps: list[list[str]], tmp_path: Path) -> None:
    assert main(["demo", str(tmp_path / "failing")]) == 1
    assert [step[0] for step in steps] == ["demo-task", "predict"]
