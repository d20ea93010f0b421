"""Pairs that go wrong: each with its code in the report, the others done, nothing half-written."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from pairs.images.volume import Volume
from pipeline.predict.report import RunReport
from pipeline.regions.segmentor import Segmentation
from pipeline.registration import pairwise
from pipeline.registration.registrar import Registrar
from tests.tinytask import edit_volume, image_of

__all__: list[str] = []

pytestmark = pytest.mark.slow

Predict = Callable[..., int]
Listing = Callable[[Path], list[str]]
ReportOf = Callable[[Path], RunReport]
Damage = Callable[[Path], object]
SHAPE = (32, 48, 40)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def with_nan(path: Path) -> None:
    edit_volume(path, lambda array: array.__setitem__(slice(0, 8), np.nan))


def with_spacing(path: Path) -> None:
    edit_volume(path, lambda array: array, np.diag([1.0, 1.0, 2.0, 1.0]))


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (Path.unlink, "missing"),
        (make_folder, "missing"),
        (lambda path: path.write_bytes(b""), "corrupt"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1000]), "corrupt"),
        (with_nan, "nonfinite"),
        (lambda path: edit_volume(path, lambda array: array[:, :, :20]), "grid"),
        (with_spacing, "grid"),
        (lambda path: edit_volume(path, lambda array: np.stack([array, array], -1)), "volume"),
    ],
)
def test_a_bad_image_fails_its_pairs_only(
    predict: Predict,
    tiny_task: Path,
    output: Path,
    report_of: ReportOf,
    listing: Listing,
    damage: Damage,
    code: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(image_of(tiny_task))
    assert predict() == 1
    first, second, third = report_of(output).pairs
    for record in (first, second):
        assert (record.status, record.error_code, record.file) == ("failed", code, None)
        assert "TinyMR_0007_0000" in (record.error or "")
        # Folders above the task may name a person.
        assert str(tiny_task.parent) not in (record.error or "")
    assert third.status == "done"
    assert listing(output) == ["disp_0008_0006.npz", "report.json"]
    assert "Traceback" not in caplog.text
    assert capsys.readouterr().err == ""


def fail_for(monkeypatch: pytest.MonkeyPatch, subject: str, error: Exception) -> None:
    """Lets the network fail for one fixed image."""
    original = Registrar.__call__

    def register(self: Registrar, moving: Volume, fixed: Volume, *regions: Segmentation | None) -> np.ndarray:
        if subject in fixed.header.path.name:
            raise error
        return original(self, moving, fixed, *regions)

    monkeypatch.setattr(Registrar, "__call__", register)


def test_an_unknown_error_stays_with_its_pair(
    predict: Predict,
    output: Path,
    report_of: ReportOf,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fail_for(monkeypatch, "_0007_", RuntimeError("shapes\nof two lines \x1b[31m"))
    assert predict() == 1
    first, second, third = report_of(output).pairs
    assert (first.status, third.status) == ("done", "done")
    assert (second.status, second.error_code) == ("failed", "internal")
    assert second.error == "unknown error; got RuntimeError: shapes\\nof two lines \\x1b[31m"
    # Here alone a traceback helps.
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 byte."),
    ],
)
def test_too_little_memory(
    predict: Predict,
    output: Path,
    report_of: ReportOf,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    fail_for(monkeypatch, "_0007_", error)
    assert predict() == 1
    assert [record.error_code for record in report_of(output).pairs] == [None, "memory", None]
    assert "Traceback" not in caplog.text


def test_a_field_that_is_not_finite_is_never_written(
    predict: Predict, output: Path, report_of: ReportOf, listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = np.full((*SHAPE, 3), np.nan, np.float32)
    monkeypatch.setattr(Registrar, "__call__", lambda *_: broken)
    assert predict() == 1
    assert {record.error_code for record in report_of(output).pairs} == {"nonfinite"}
    assert listing(output) == ["report.json"]


def test_one_line_per_pair(predict: Predict, tiny_task: Path, caplog: pytest.LogCaptureFixture) -> None:
    edit_volume(image_of(tiny_task, "0008"), lambda array: array.__setitem__((5, 5, 5), np.nan))
    (tiny_task / "imagesTr" / "TinyMR_0006_0000.nii.gz").unlink()
    caplog.set_level(logging.INFO)
    assert predict() == 1
    lines = [record.getMessage() for record in caplog.records if record.name == "pipeline.predict.run"]
    assert len(lines) == 3
    assert lines[0].startswith("0006_0000<--0007_0000: failed (missing)")
    assert lines[1].startswith("0007_0000<--0008_0000: disp_0007_0008.npz in ")
    assert "warning: TinyMR_0008_0000.nii.gz: 1 NaN" in lines[1]


@pytest.mark.parametrize("spoil", [with_spacing, lambda path: edit_volume(path, lambda array: array[:-2])])
def test_a_pair_on_two_grids_is_refused_before_voxels_are_read(
    predict: Predict,
    tiny_task: Path,
    output: Path,
    report_of: ReportOf,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Damage,
) -> None:
    spoil(image_of(tiny_task, "0007"))
    read: list[str] = []
    original = pairwise.read_image
    monkeypatch.setattr(pairwise, "read_image", lambda path: read.append(path.name) or original(path))
    assert predict() == 1
    assert [record.error_code for record in report_of(output).pairs] == ["grid", "grid", None]
    assert read == ["TinyMR_0008_0000.nii.gz", "TinyMR_0006_0000.nii.gz"]
