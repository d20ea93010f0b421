"""Runs of which a part is killed: the same command does the rest, and no byte is another."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.predict.report import RunReport
from tests.clusterprocesses import (
    ROOT,
    Start,
    ended,
    kill_all,
    printed,
    start_scheduler,
    start_worker,
    until,
    worker_processes,
)

__all__: list[str] = []

pytestmark = pytest.mark.slow

Predict = Callable[..., int]
ReportOf = Callable[[Path], RunReport]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A pair list of 24 pairs with 4 fixed images."""
    path = tmp_path / "many.csv"
    pairs = [f"{a},{b}" for a in range(1, 5) for b in range(1, 8) if a != b]
    path.write_text("\n".join(["fixed,moving", *pairs, ""]), encoding="utf-8")
    return path


def fields(output: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in output.glob("disp_*")}


@pytest.mark.parametrize("killed", ["scheduler", "client", "worker"])
def test_the_same_command_does_the_rest(
    predict: Predict,
    start: Start,
    tiny_task: Path,
    output: Path,
    weights: Path,
    many: Path,
    report_of: ReportOf,
    killed: str,
) -> None:
    words = ("predict", tiny_task, output, "--weights", weights, "--device", "cpu", "--profile", "l2r2021")
    address, scheduler = start_scheduler(start)
    worker = start_worker(start, address)
    run = start("-m", "textscf", *words, "--pairs", many, "--scheduler", address)
    until(lambda: fields(output), run)
    if killed == "worker":
        os.kill(worker_processes(worker)[0], signal.SIGKILL)
        assert ended(run) == 0, printed(run)
        assert "was lost at" in printed(run)
    elif killed == "scheduler":
        kill_all(scheduler)
        assert ended(run) == 75, printed(run)
        assert printed(run).splitlines()[-1].startswith("error: the scheduler is gone")
        assert "Traceback" not in printed(run)
        # The worker may have written one more, and found nobody to tell.
        assert 0 <= len(fields(output)) - len(report_of(output).pairs) <= 1
    else:
        kill_all(run)
    before = fields(output)
    assert predict("--pairs", many) == 0
    finished = fields(output)
    assert len(finished) == 24
    assert before.items() <= finished.items()
    shutil.rmtree(output)
    assert predict("--pairs", many) == 0
    assert fields(output) == finished


def test_a_pair_that_kills_its_workers_fails_alone(
    start: Start, tiny_task: Path, output: Path, weights: Path, tmp_path: Path, report_of: ReportOf
) -> None:
    root = tmp_path / "deadly"
    for package in ("pairs", "cluster", "pipeline", "evaluation", "textscf"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    source = root / "pipeline" / "predict" / "onepair.py"
    text = source.read_text(encoding="utf-8")
    before = "        restart_peak(self.register.device)\n"
    assert text.count(before) == 1
    deadly = f'        if pair.name.startswith("0007"):\n            __import__("os").abort()\n{before}'
    source.write_text(text.replace(before, deadly), encoding="utf-8")
    words = ("predict", tiny_task, output, "--weights", weights, "--device", "cpu", "--profile", "l2r2021")
    run = start("-m", "textscf", *words, "--workers", "1", "--on-error", "identity", root=root)
    assert ended(run) == 1, printed(run)
    first, second, third = report_of(output).pairs
    assert (first.status, second.status, third.status) == ("done", "identity", "done")
    assert second.error_code == "killed"
    assert "the workers that registered it were killed; got 3 in a row" in str(second.error)
    assert len(fields(output)) == 3


def test_a_worker_killed_while_it_starts_is_started_anew(
    start: Start, tiny_task: Path, output: Path, weights: Path
) -> None:
    words = ("predict", tiny_task, output, "--weights", weights, "--device", "cpu", "--profile", "l2r2021")
    run = start("-m", "textscf", *words, "--workers", "1")
    until(lambda: worker_processes(run), run)
    os.kill(worker_processes(run)[0], signal.SIGKILL)
    assert ended(run) == 0, printed(run)
    assert len(fields(output)) == 3
