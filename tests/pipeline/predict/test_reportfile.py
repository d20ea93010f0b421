"""A report that several runs write to: none forgets what another has done."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from filelock import FileLock, Timeout

from pairs.tasks.task import read_task
from pipeline.predict.pairrecord import PairRecord
from pipeline.predict.report import RunReport, read_report, write_report
from pipeline.predict.reportfile import ReportFile, lock_name

__all__: list[str] = []

pytestmark = pytest.mark.slow

Predict = Callable[..., int]
ReportOf = Callable[[Path], RunReport]
ROOT = Path(__file__).resolve().parents[3]
PAIRS = ("0006_0000<--0007_0000", "0007_0000<--0008_0000", "0008_0000<--0006_0000")


def subset(folder: Path, *rows: str) -> Path:
    path = folder / f"{'-'.join(rows).replace(',', '_')}.csv"
    path.write_text("\n".join(["fixed,moving", *rows, ""]), encoding="utf-8")
    return path


def test_a_subset_forgets_no_other_pair(
    predict: Predict, output: Path, report_of: ReportOf, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert predict() == 0
    before = {record.pair: record for record in report_of(output).pairs}
    caplog.clear()
    assert predict("--pairs", subset(tmp_path, "7,8")) == 0
    assert {record.pair: record for record in report_of(output).pairs} == before
    # The summary counts what was asked for.
    assert "1 of 1 pair done" in caplog.text
    assert predict("--pairs", subset(tmp_path, "6,8")) == 0
    assert [record.pair for record in report_of(output).pairs] == [
        "0006_0000<--0008_0000",
        PAIRS[1],
        *PAIRS[::2],
    ]
    assert predict() == 0
    assert [record.pair for record in report_of(output).pairs] == [*PAIRS, "0006_0000<--0008_0000"]


def test_another_pairs_failure_is_not_this_runs(
    predict: Predict, tiny_task: Path, output: Path, report_of: ReportOf, tmp_path: Path
) -> None:
    away = shutil.move(tiny_task / "imagesTr" / "TinyMR_0006_0000.nii.gz", tmp_path / "away.nii.gz")
    assert predict() == 1
    assert predict("--pairs", subset(tmp_path, "7,8")) == 0
    assert {record.pair: record.status for record in report_of(output).pairs} == {
        PAIRS[0]: "failed",
        PAIRS[1]: "done",
        PAIRS[2]: "failed",
    }
    shutil.move(away, tiny_task / "imagesTr" / "TinyMR_0006_0000.nii.gz")


def test_fields_of_other_settings_are_marked_and_lost_ones_dropped(
    predict: Predict, output: Path, report_of: ReportOf, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert predict() == 0
    assert "of an earlier run" not in caplog.text
    (output / "disp_0008_0006.npz").unlink()
    assert predict("--pairs", subset(tmp_path, "7,8"), "--profile", "l2r2022") == 0
    assert {record.pair: record.status for record in report_of(output).pairs} == {
        PAIRS[1]: "done",
        PAIRS[0]: "stale",
    }
    assert (output / "disp_0006_0007.npz").is_file()
    told = f"1 field of an earlier run left in {output}, such as disp_0006_0007.npz: not of profile l2r2022"
    assert told in caplog.text


def test_two_processes_in_one_folder_end_with_one_whole_report(
    tiny_task: Path, output: Path, weights: Path, tmp_path: Path, report_of: ReportOf
) -> None:
    rows = [[f"{fixed},{moving}" for moving in range(1, 9) if moving != fixed] for fixed in (1, 2)]
    command = [sys.executable, "-m", "textscf", "predict", tiny_task, output, "--weights", weights]
    command += ["--device", "cpu", "--profile", "l2r2021"]
    processes = [
        subprocess.Popen(
            [*command, "--pairs", subset(tmp_path, *half)],
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
        )
        for half in rows
    ]
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    report = report_of(output)
    assert len(report.pairs) == 14
    assert {record.status for record in report.pairs} == {"done"}
    assert {record.file for record in report.pairs} == {path.name for path in output.glob("disp_*")}
    assert not (output / lock_name("report.json")).exists()


@pytest.fixture
def record() -> PairRecord:
    return PairRecord(
        pair=PAIRS[0], status="done", fingerprint="a", seconds=1, peak_memory_mib=1, device="cpu"
    )


@pytest.fixture
def report_file(tiny_task: Path, tmp_path: Path, tiny_bundle: object) -> Callable[..., ReportFile]:
    """The view of a run that was asked for the task's pairs and found these records."""
    pairs = read_task(tiny_task).pairs
    config = tiny_bundle.header.config
    header = {"task": "TinyMR", "profile": "l2r2021", "device": "cpu", "torch": "2", "weights": "w"}
    report = RunReport(**header, weights_sha256="a", config=config)

    def open_report(*earlier: PairRecord) -> ReportFile:
        known = {one.pair: one for one in earlier}
        stale = {name: one.model_copy(update={"status": "stale"}) for name, one in known.items()}
        return ReportFile(tmp_path, report, [pair.name for pair in pairs], stale, known)

    return open_report


def test_what_another_run_did_since_is_not_called_stale(
    report_file: Callable[..., ReportFile], record: PairRecord
) -> None:
    old = record.model_copy(update={"fingerprint": "old"})
    late = report_file(old)
    report_file(old).add(record)
    assert late.write().pairs == (record,)
    mine = record.model_copy(update={"seconds": 2.0})
    late.add(mine)
    assert late.write().pairs == (mine,)


def test_a_run_waits_while_another_one_writes(
    report_file: Callable[..., ReportFile], record: PairRecord, tmp_path: Path
) -> None:
    other = record.model_copy(update={"pair": PAIRS[1]})
    late = Thread(target=report_file().add, args=(record,))
    with FileLock(tmp_path / lock_name("report.json")):
        late.start()
        late.join(0.3)
        assert late.is_alive()
        report = report_file().report.model_copy(update={"pairs": (other,)})
        write_report(tmp_path, report)
    late.join(10)
    found = read_report(tmp_path)
    assert found is not None
    assert {one.pair for one in found.pairs} == {PAIRS[0], PAIRS[1]}


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, None])
def test_a_file_system_without_locks_is_written_without(
    report_file: Callable[..., ReportFile],
    record: PairRecord,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: int | None,
) -> None:
    def refuse(*_: object) -> None:
        raise Timeout(str(tmp_path)) if error is None else OSError(error, os.strerror(error))

    monkeypatch.setattr(FileLock, "acquire" if error is None else "_acquire", refuse)
    report_file().add(record)
    found = read_report(tmp_path)
    assert found is not None
    assert found.pairs == (record,)


def test_the_lock_of_a_killed_run_stops_nobody(
    report_file: Callable[..., ReportFile], record: PairRecord, tmp_path: Path
) -> None:
    (tmp_path / lock_name("report.json")).touch()
    report_file().add(record)
    assert not (tmp_path / lock_name("report.json")).exists()
    assert read_report(tmp_path) is not None
