"""A run by several workers: the bytes and the report of a run by one process."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.predict.report import RunReport
from tests.clusterprocesses import Start, ended, printed, start_worker

__all__: list[str] = []

pytestmark = pytest.mark.slow

Predict = Callable[..., int]
ReportOf = Callable[[Path], RunReport]


def said(report: RunReport) -> dict[str, object]:
    """A report without times and memory."""
    document = report.model_dump()
    document["pairs"] = [one | {"seconds": 0, "peak_memory_mib": 0} for one in document["pairs"]]
    return document


def contents(output: Path) -> dict[str, bytes]:
    """All files but the report, which tells times."""
    files = (path for path in output.rglob("*") if path.is_file() and path.name != "report.json")
    return {str(path.relative_to(output)): path.read_bytes() for path in files}


@pytest.fixture
def alone(predict: Predict, output: Path, tmp_path: Path) -> Path:
    """What one process writes."""
    assert predict() == 0
    return output.rename(tmp_path / "alone")


def test_two_workers_write_what_one_process_writes(
    start: Start, tiny_task: Path, output: Path, weights: Path, alone: Path, report_of: ReportOf
) -> None:
    words = ("predict", tiny_task, output, "--weights", weights, "--device", "cpu", "--profile", "l2r2021")
    run = start("-m", "textscf", *words, "--workers", "2", OMP_NUM_THREADS="2")
    assert ended(run) == 0, printed(run)
    assert contents(output) == contents(alone)
    assert said(report_of(output)) == said(report_of(alone))
    assert "1 worker at work" in printed(run)
    # Nothing is left to do, and nothing to start.
    again = start("-m", "textscf", *words, "--workers", "2")
    assert ended(again) == 0
    assert "at work" not in printed(again)


def test_the_workers_of_a_scheduler_do_the_same(
    start: Start,
    scheduler: str,
    tiny_task: Path,
    output: Path,
    weights: Path,
    alone: Path,
    report_of: ReportOf,
) -> None:
    start_worker(start, scheduler, "--workers", "2", OMP_NUM_THREADS="2")
    words = (
        tiny_task.name,
        output.name,
        "--weights",
        weights.name,
        "--device",
        "cpu",
        "--profile",
        "l2r2021",
    )
    run = start("-m", "textscf", "predict", *words, "--scheduler", scheduler)
    assert ended(run) == 0, printed(run)
    assert contents(output) == contents(alone)
    assert said(report_of(output)) == said(report_of(alone))


def test_a_bad_image_fails_its_pairs_as_without_workers(
    predict: Predict, start: Start, tiny_task: Path, output: Path, weights: Path, report_of: ReportOf
) -> None:
    (tiny_task / "imagesTr" / "TinyMR_0008_0000.nii.gz").write_bytes(b"")
    assert predict("--on-error", "identity") == 1
    alone = output.rename(output.parent / "alone")
    words = ("predict", tiny_task, output, "--weights", weights, "--device", "cpu", "--profile", "l2r2021")
    run = start("-m", "textscf", *words, "--on-error", "identity", "--workers", "1")
    assert ended(run) == 1, printed(run)
    # An image whose only partner is bad may have been segmented before that was known.
    assert contents(alone).items() <= contents(output).items()
    assert len(list(output.glob("disp_*"))) == 3
    assert said(report_of(output)) == said(report_of(alone))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--workers", "0"), "a run needs a worker: --workers 0; expected at least 1"),
        (("--workers", "1", "--scheduler", "tcp://h:1"), "both --workers and --scheduler"),
        (("--shard", "1/2", "--scheduler", "tcp://h:1"), "both --shard and --scheduler"),
    ],
)
def test_options_that_cannot_be(
    predict: Predict, output: Path, only_error_line: Callable[[], str], words: tuple[str, ...], message: str
) -> None:
    assert predict(*words) == 2
    assert message in only_error_line()
    assert not output.exists()
