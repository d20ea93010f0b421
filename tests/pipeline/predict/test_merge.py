"""Shards of a task, each with a report of its own, and the one report that they become."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.predict import reportfile
from pipeline.predict.report import RunReport
from textscf.program import main

__all__: list[str] = []

pytestmark = pytest.mark.slow

Predict = Callable[..., int]
ReportOf = Callable[[Path], RunReport]


@pytest.fixture
def merge(output: Path) -> Callable[[], int]:
    return lambda: main(["merge", str(output)])


def said(report: RunReport) -> dict[str, object]:
    """A report without times and memory."""
    document = report.model_dump()
    document["pairs"] = [one | {"seconds": 0, "peak_memory_mib": 0} for one in document["pairs"]]
    return document


def fields(output: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in output.glob("disp_*")}


@pytest.fixture
def whole(
    predict: Predict, output: Path, tmp_path: Path, report_of: ReportOf
) -> tuple[dict[str, object], dict[str, bytes]]:
    """What a run without shards writes, which is then moved away."""
    assert predict() == 0
    found = said(report_of(output)), fields(output)
    output.rename(tmp_path / "whole")
    return found


def test_shards_joined_are_the_run_without_them(
    predict: Predict,
    merge: Callable[[], int],
    output: Path,
    report_of: ReportOf,
    listing: Callable[[Path], list[str]],
    whole: tuple[dict[str, object], dict[str, bytes]],
) -> None:
    for index in (3, 1, 2):
        assert predict("--shard", f"{index}/3") == 0
    assert listing(output) == [*sorted(whole[1]), *(f"report.{index}-of-3.json" for index in (1, 2, 3))]
    assert merge() == 0
    assert (said(report_of(output)), fields(output)) == whole
    assert listing(output) == [*sorted(whole[1]), "report.json"]
    # Once more there is nothing to join.
    assert merge() == 0


def test_what_is_missing_is_said_and_done_by_predict(
    predict: Predict,
    merge: Callable[[], int],
    output: Path,
    report_of: ReportOf,
    listing: Callable[[Path], list[str]],
    whole: tuple[dict[str, object], dict[str, bytes]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert predict("--shard", "2/3") == 0
    (done,) = fields(output)
    made = (output / done).stat().st_mtime_ns
    assert merge() == 1
    assert "1 of 3 pairs in " in caplog.text
    assert "2 pairs missing" in caplog.text
    assert "no report of shard 1/3, shard 3/3" in caplog.text
    # Its shards may still come: nothing is forgotten yet.
    assert "report.2-of-3.json" in listing(output)
    assert predict() == 0
    assert (output / done).stat().st_mtime_ns == made
    assert (said(report_of(output)), fields(output)) == whole
    assert listing(output) == [*sorted(whole[1]), "report.json"]


def test_a_pair_that_its_shard_has_not_done_is_named(
    predict: Predict, merge: Callable[[], int], output: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert predict("--shard", "1/1") == 0
    path = output / "report.1-of-1.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    missing = document["pairs"].pop(1)["pair"]
    path.write_text(json.dumps(document), encoding="utf-8")
    assert merge() == 1
    assert f"1 pair missing: {missing}" in caplog.text


def test_a_failed_pair_stays_failed(
    predict: Predict,
    merge: Callable[[], int],
    tiny_task: Path,
    output: Path,
    report_of: ReportOf,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tiny_task / "imagesTr" / "TinyMR_0008_0000.nii.gz").write_bytes(b"")
    assert predict("--shard", "1/2") + predict("--shard", "2/2") == 2
    caplog.clear()
    assert merge() == 1
    assert "2 pairs failed: 0007_0000<--0008_0000, 0008_0000<--0006_0000" in caplog.text
    assert [record.status for record in report_of(output).pairs] == ["done", "failed", "failed"]


@pytest.mark.parametrize(
    ("key", "value"), [("task", "Other"), ("weights_sha256", "0"), ("profile", "l2r2022"), ("program", "0")]
)
def test_reports_of_different_runs_are_refused(
    predict: Predict,
    merge: Callable[[], int],
    output: Path,
    listing: Callable[[Path], list[str]],
    capsys: pytest.CaptureFixture[str],
    key: str,
    value: str,
) -> None:
    for index in (1, 2):
        assert predict("--shard", f"{index}/2") == 0
    path = output / "report.2-of-2.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {key: value}), encoding="utf-8")
    before = listing(output)
    capsys.readouterr()
    assert merge() == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: reports of different runs: {key.partition('_')[0]}: {path}")
    assert "as in report.1-of-2.json" in error
    assert listing(output) == before


def test_what_cannot_be_joined(
    predict: Predict, merge: Callable[[], int], output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert merge() == 2
    assert "no reports to join" in capsys.readouterr().err
    assert predict("--shard", "1/2") == 0
    (output / "report.2-of-2.json").write_text("{", encoding="utf-8")
    assert merge() == 2
    assert "not the report of a shard, or damaged" in capsys.readouterr().err


def test_more_shards_than_pairs(predict: Predict, merge: Callable[[], int], output: Path) -> None:
    for index in range(1, 5):
        assert predict("--shard", f"{index}/4") == 0
    assert merge() == 0


def test_a_bad_shard_ends_before_anything_is_written(
    predict: Predict, output: Path, only_error_line: Callable[[], str]
) -> None:
    assert predict("--shard", "5/4") == 2
    assert "no such shard: --shard 5/4" in only_error_line()
    assert not output.exists()


def test_a_long_report_has_a_journal_until_the_run_ends(
    predict: Predict,
    output: Path,
    report_of: ReportOf,
    listing: Callable[[Path], list[str]],
    whole: tuple[dict[str, object], dict[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(reportfile, "_MOST_WRITTEN_WHOLE", 2)
    with monkeypatch.context() as killed:
        # As of a run that is killed: nothing is brought into the report at its end.
        killed.setattr(reportfile.ReportFile, "finish", lambda _: None)
        assert predict() == 0
    journal = output / "report.journal.jsonl"
    assert journal.read_text(encoding="utf-8").count("\n") == 3
    assert json.loads((output / "report.json").read_text(encoding="utf-8"))["pairs"] == []
    assert said(report_of(output)) == whole[0]
    journal.write_bytes(journal.read_bytes()[:-20])
    times = {name: (output / name).stat().st_mtime_ns for name in whole[1]}
    assert predict() == 0
    assert "is cut off or damaged" in caplog.text
    later = {name: (output / name).stat().st_mtime_ns for name in whole[1]}
    # The line that was cut off is of the last pair.
    assert [later[name] == times[name] for name in sorted(times)] == [True, True, False]
    assert (said(report_of(output)), fields(output)) == whole
    assert listing(output) == [*sorted(whole[1]), "report.json"]
