"""A run as a process: what it prints, and what a signal leaves behind."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from pairs.fields import displacement
from pipeline.predict.pairrecord import PairRecord
from pipeline.predict.report import read_report
from pipeline.registration.registrar import Registrar

__all__: list[str] = []

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
Predict = Callable[..., int]


def start(arguments: Sequence[object]) -> subprocess.Popen[str]:
    """`python -m textscf` as from a shell."""
    return subprocess.Popen(
        [sys.executable, "-m", "textscf", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def fields(output: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in output.glob("disp_*")}


def hidden(output: Path) -> list[str]:
    """Hidden files anywhere below: temporaries."""
    return [path.name for path in output.rglob(".*") if path.is_file()]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A pair list of 24 pairs with 4 fixed images."""
    path = tmp_path / "many.csv"
    pairs = [f"{a},{b}" for a in range(1, 5) for b in range(1, 8) if a != b]
    path.write_text("\n".join(["fixed,moving", *pairs, ""]), encoding="utf-8")
    return path


def test_sigterm_ends_a_run_that_the_same_command_finishes(
    predict: Predict, tiny_task: Path, output: Path, weights: Path, many: Path
) -> None:
    arguments = ["--weights", weights, "--pairs", many, "--device", "cpu", "--profile", "l2r2021"]
    process = start([tiny_task, output, *arguments])
    assert process.stdout is not None
    lines = [line for line, _ in zip(process.stdout, range(2), strict=False)]
    process.terminate()
    _, error = process.communicate(timeout=30)
    assert process.returncode == 75, error
    assert "disp_0001_0002.npz in" in lines[1]
    # Only trouble stands on standard error.
    assert error.startswith("error: stopped by a signal")
    assert error.count("\n") == 1
    report = read_report(output)
    assert report is not None
    before = fields(output)
    assert 1 <= len(before) < 24
    assert {record.file for record in report.pairs} == set(before)
    assert hidden(output) == []
    times = {name: (output / name).stat().st_mtime_ns for name in before}
    assert predict("--pairs", many) == 0
    assert {name: (output / name).stat().st_mtime_ns for name in before} == times
    finished = fields(output)
    assert len(finished) == 24
    assert hidden(output) == []
    shutil.rmtree(output)
    assert predict("--pairs", many) == 0
    assert fields(output) == finished


def test_what_a_process_prints(tiny_task: Path, output: Path, weights: Path) -> None:
    (tiny_task / "imagesTr" / "TinyMR_0008_0000.nii.gz").write_bytes(b"")
    process = start([tiny_task, output, "--weights", weights, "--profile", "l2r2021"])
    out, error = process.communicate(timeout=60)
    assert process.returncode == 1
    progress, trouble = out.splitlines(), error.splitlines()
    assert progress[0].startswith("TinyMR: 3 pairs, weights weights.safetensors, profile l2r2021 (asked")
    assert progress[1].startswith("0006_0000<--0007_0000: disp_0006_0007.npz in")
    assert progress[2:] == [f"1 of 3 pairs done, report in {output / 'report.json'}"]
    assert [line.split(": ")[:2] for line in trouble[:2]] == [
        ["error", "0007_0000<--0008_0000"],
        ["error", "0008_0000<--0006_0000"],
    ]
    assert "failed (corrupt) volume is empty: imagesTr/TinyMR_0008_0000.nii.gz" in trouble[0]
    assert trouble[2:] == ["error: 2 pairs failed: 0007_0000<--0008_0000, 0008_0000<--0006_0000"]


def with_sigterm(original: Callable[..., object]) -> Callable[..., object]:
    """The function, with a signal on its first call before it does anything."""
    calls: list[int] = []

    def call(*arguments: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(*arguments, **options)

    return call


def records(output: Path) -> tuple[PairRecord, ...]:
    report = read_report(output)
    assert report is not None
    return report.pairs


def kept(output: Path) -> list[Path]:
    return list((output / ".segmentations").iterdir())


def test_a_signal_while_a_field_is_written_waits(
    predict: Predict, output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(displacement, "write_array", with_sigterm(displacement.write_array))
    assert predict() == 75
    assert capsys.readouterr().err.startswith("error: stopped by a signal")
    assert list(fields(output)) == ["disp_0006_0007.npz"]
    assert [record.status for record in records(output)] == ["done"]
    assert hidden(output) == []


def test_a_signal_while_a_segmentation_is_kept_waits(
    predict: Predict, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(np, "savez_compressed", with_sigterm(np.savez_compressed))
        assert predict() == 75
    assert fields(output) == {}
    (path,) = kept(output)
    before = path.stat().st_mtime_ns
    monkeypatch.setattr("pipeline.machine.stopping._requested", False)
    assert predict() == 0
    assert path.stat().st_mtime_ns == before


def test_a_signal_while_the_network_works_ends_it(
    predict: Predict, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Registrar, "__call__", with_sigterm(lambda *_: pytest.fail("the pair went on")))
    assert predict() == 75
    assert fields(output) == {}
    assert records(output) == ()
    assert hidden(output) == []


def test_what_a_signal_breaks_is_no_fault_of_the_pair(
    predict: Predict, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrap(*_: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Exception as error:
            raise RuntimeError("a library's own words for it") from error

    monkeypatch.setattr(Registrar, "__call__", wrap)
    assert predict() == 75
    assert records(output) == ()


@pytest.mark.parametrize("gone", ["output", ".segmentations"])
def test_an_output_that_is_removed_meanwhile_is_told_in_one_line(
    predict: Predict,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    gone: str,
) -> None:
    def removing(original: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            shutil.rmtree(output if gone == "output" else output / gone)
            return original(*arguments, **options)

        return call

    module, name = (displacement, "write_array") if gone == "output" else (np, "savez_compressed")
    monkeypatch.setattr(module, name, removing(getattr(module, name)))
    assert predict() == 5
    error = capsys.readouterr().err
    assert error.startswith("error: cannot write: ")
    assert "No such file or directory" in error
    assert error.count("\n") == 1


def test_an_image_folder_that_may_not_be_searched_fails_its_pairs(
    predict: Predict, output: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def closed(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pipeline.predict.onepair.read_header", closed)
    assert predict() == 1
    assert {record.error_code for record in records(output)} == {"volume"}
    assert all("Permission denied" in str(record.error) for record in records(output))
    assert "Traceback" not in caplog.text


def test_a_signal_after_the_last_pair_changes_nothing(
    predict: Predict, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("fixed,moving\n1,2\n", encoding="utf-8")
    monkeypatch.setattr(displacement, "write_array", with_sigterm(displacement.write_array))
    assert predict("--pairs", pairs) == 0
    assert len(fields(output)) == 1


def test_a_signal_before_the_run_starts(
    predict: Predict, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.predict.taskrun.read_task", with_sigterm(lambda *_: pytest.fail("on")))
    assert predict() == 75
    assert not output.exists()


def test_a_bar_on_a_terminal_and_below_it_only_what_matters(
    predict: Predict,
    tiny_task: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tiny_task / "imagesTr" / "TinyMR_0008_0000.nii.gz").write_bytes(b"")
    caplog.set_level("INFO")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert predict() == 1
    assert "3/3" in capsys.readouterr().err
    told = [record.getMessage() for record in caplog.records if record.name == "pipeline.predict.run"]
    assert len(told) == 2
    assert all("corrupt" in line for line in told)
