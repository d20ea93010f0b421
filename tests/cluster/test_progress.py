"""What is said of a run: a bar on a terminal, and lines elsewhere."""

import sys

import pytest

from cluster.progress import progress

__all__: list[str] = []


def test_a_bar_with_the_pace_and_the_workers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress(3, 5) as shown:
        shown.alive(2)
        shown.advance()
        shown.alive(1)
        shown.advance()
    last = capsys.readouterr().err.split("\r")[-1]
    assert "5/5 pairs" in last
    assert "pairs/min, 1 worker" in last


def test_lines_where_there_is_no_terminal(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "cluster")
    with progress(0, 2) as shown:
        for workers in (1, 1, 2):
            shown.alive(workers)
        shown.advance()
    assert [record.getMessage() for record in caplog.records] == ["1 worker at work", "2 workers at work"]
