"""What is told to the organisers, from reports of every state."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.submission.summary import summarise_run
from pairs.tasks.imageid import ImageId
from pairs.tasks.pair import Pair


def pairs(count: int) -> list[Pair]:
    return [
        Pair(Path("f"), Path("m"), ImageId(f"{i:04d}", "0000"), ImageId("0100", "0000"))
        for i in range(1, count + 1)
    ]


def record(number: int, seconds: float, status: str = "done") -> dict[str, object]:
    name = f"{number:04d}_0000<--0100_0000"
    return {"pair": name, "status": status, "seconds": seconds, "peak_memory_mib": 100.0 * number, "new": 1}


def test_a_report_of_predict(tmp_path: Path) -> None:
    report = {
        "task": "Own",
        "device": "cuda:0",
        "weights": "own.safetensors",
        "weights_sha256": "ab" * 32,
        "unknown": {},
        "pairs": [record(1, 1.0), record(2, 3.0, "identity"), record(3, 9.0, "failed"), record(9, 99.0)],
    }
    (tmp_path / "report.json").write_text(json.dumps(report))
    lines = summarise_run(tmp_path, pairs(3)).lines()
    assert lines[0].split() == ["pairs", "3"]
    assert lines[1].endswith("2.00 mean, 3.00 max (recorded for 2 of 3 pairs)")
    assert lines[2].endswith("200 MiB")
    assert lines[3].endswith("cuda:0")
    assert lines[4].endswith(f"own.safetensors (sha256 {'ab' * 32})")
    assert lines[5].endswith("0002_0000<--0100_0000")


@pytest.mark.parametrize("content", [None, "", "[]", '{"pairs": 3}', '{"pairs": [{"seconds": 1}]}', "\x00"])
def test_what_is_not_there_is_not_recorded(
    tmp_path: Path, content: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    lines = summarise_run(tmp_path, pairs(2)).lines()
    assert [line.endswith("not recorded") for line in lines] == [False, True, True, True, True]
    # What is there and is no report is told; a folder without one is nobody's fault.
    assert caplog.text.count("report.json is not used") == (content is not None)


def test_a_report_that_may_not_be_read_is_told(
    tmp_path: Path, close_folder: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "report.json").write_text("{}")
    close_folder(tmp_path)
    assert summarise_run(tmp_path, pairs(2)).mean_seconds is None
    assert "report.json is not used: Permission denied; the summary has no runtimes" in caplog.text


def test_names_of_a_report_cannot_command_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps({"device": "cpu\x1b[2J"}))
    assert all(line.isprintable() for line in summarise_run(tmp_path, pairs(1)).lines())
