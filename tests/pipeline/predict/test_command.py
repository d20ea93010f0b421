"""The predict command: what it writes, and what it refuses before any work."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from pairs.fields.displacement import find_field, read_displacement
from pairs.tasks.task import read_task
from pipeline.predict.report import RunReport
from pipeline.registration.registrar import Registrar
from textscf.program import main

__all__: list[str] = []

pytestmark = pytest.mark.slow

Predict = Callable[..., int]
Listing = Callable[[Path], list[str]]
ReportOf = Callable[[Path], RunReport]
ErrorLine = Callable[[], str]
SHAPE = (32, 48, 40)
NAMES = ("disp_0006_0007.npz", "disp_0007_0008.npz", "disp_0008_0006.npz")


def test_a_field_for_every_pair_and_a_report(
    predict: Predict,
    tiny_task: Path,
    output: Path,
    listing: Listing,
    report_of: ReportOf,
    device: torch.device,
) -> None:
    assert predict() == 0
    assert listing(output) == [*NAMES, "report.json"]
    report = report_of(output)
    assert (report.task, report.profile, report.device) == ("TinyMR", "l2r2021", str(device))
    assert report.training == {"registration": {"task": "TinyMR", "licence": "none needed"}}
    assert [record.file for record in report.pairs] == list(NAMES)
    for pair, record in zip(read_task(tiny_task).pairs, report.pairs, strict=True):
        assert (record.pair, record.status, record.device) == (pair.name, "done", str(device))
        assert (record.error, record.warnings) == (None, ())
        assert record.seconds > 0
        assert record.peak_memory_mib > 1
        assert 0 < (record.decode_error_mean_vox or 0) < (record.decode_error_max_vox or 0)
        field = read_displacement(find_field(output, pair), SHAPE).displacement
        assert field.shape == (*SHAPE, 3)
        assert np.abs(field).max() > 0


def test_the_report_states_the_decode_error_of_the_file(
    predict: Predict, tiny_task: Path, output: Path, report_of: ReportOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[np.ndarray] = []
    original = Registrar.__call__
    monkeypatch.setattr(Registrar, "__call__", lambda *a: made.append(original(*a)) or made[-1])
    assert predict() == 0
    pairs = read_task(tiny_task).pairs
    for pair, record, wanted in zip(pairs, report_of(output).pairs, made, strict=True):
        error = np.abs(read_displacement(find_field(output, pair), SHAPE).displacement - wanted)
        assert record.decode_error_mean_vox == pytest.approx(error.mean(), rel=1e-3)
        assert record.decode_error_max_vox == pytest.approx(error.max(), rel=1e-3)


def test_bare_arguments_mean_predict(tiny_task: Path, output: Path, weights: Path, listing: Listing) -> None:
    words = [tiny_task, output, "--weights", weights, "--device", "cpu", "--profile", "l2r2021"]
    assert main([str(word) for word in words]) == 0
    assert listing(output) == [*NAMES, "report.json"]


def test_pairs_of_another_list(predict: Predict, output: Path, listing: Listing, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("fixed,moving\n1,2\n", encoding="utf-8")
    assert predict("--pairs", pairs) == 0
    assert listing(output) == ["disp_0001_0002.npz", "report.json"]


def test_of_many_failing_pairs_the_last_line_names_some(
    predict: Predict,
    tiny_task: Path,
    rewrite_task: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    images = sorted(path.name for path in (tiny_task / "imagesTr").iterdir())
    for name in images:
        (tiny_task / "imagesTr" / name).write_bytes(b"")
    pairs = [(fixed, moving) for fixed in images[:2] for moving in images if moving != fixed]
    rewrite_task(
        registration_val=[{"fixed": f"imagesTr/{a}", "moving": f"imagesTr/{b}"} for a, b in pairs[:13]]
    )
    assert predict() == 1
    assert caplog.messages[-1].startswith("13 pairs failed: 0001_0000<--0002_0000, 0001_0000<--0003_0000, ")
    assert caplog.messages[-1].endswith("and 3 more")


def test_duplicate_pairs_are_done_once(
    predict: Predict, output: Path, listing: Listing, report_of: ReportOf, rewrite_task: Callable[..., None]
) -> None:
    pair = {"fixed": "imagesTr/TinyMR_0006_0000.nii.gz", "moving": "imagesTr/TinyMR_0007_0000.nii.gz"}
    rewrite_task(registration_val=[pair, pair])
    assert predict() == 0
    assert listing(output) == [NAMES[0], "report.json"]
    assert any("done once" in warning for warning in report_of(output).warnings)


def test_no_pairs(
    predict: Predict, output: Path, only_error_line: ErrorLine, rewrite_task: Callable[..., None]
) -> None:
    rewrite_task(registration_val=[])
    assert predict() == 3
    assert "no pairs" in only_error_line()
    assert not output.exists()


def test_cuda_without_a_gpu(
    predict: Predict, output: Path, only_error_line: ErrorLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert predict("--device", "cuda") == 2
    assert "--device cuda" in only_error_line()
    assert not output.exists()


def test_fields_do_not_go_among_the_images(
    tiny_task: Path, weights: Path, only_error_line: ErrorLine, listing: Listing
) -> None:
    images = next(path for path in tiny_task.iterdir() if path.name.startswith("images"))
    before = listing(images)
    assert main([str(tiny_task), str(images), "--weights", str(weights), "--device", "cpu"]) == 2
    assert "output is also an input" in only_error_line()
    assert listing(images) == before


def test_missing_task(output: Path, only_error_line: ErrorLine, tmp_path: Path) -> None:
    assert main([str(tmp_path / "nowhere"), str(output)]) == 2
    assert "nowhere" in only_error_line()


def test_a_link_in_place_of_the_kept_segmentations_is_not_followed(
    predict: Predict, output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Segmentations would be written, and temporary files swept, where it points to."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    output.mkdir()
    (output / ".segmentations").symlink_to(elsewhere)
    assert predict() == 5
    assert "the folder of kept segmentations is a symlink" in capsys.readouterr().err
    assert list(elsewhere.iterdir()) == []


def test_no_folder_of_segmentations(
    predict: Predict, tmp_path: Path, output: Path, only_error_line: ErrorLine
) -> None:
    assert predict("--segmentations", tmp_path / "nowhere") == 2
    assert "nowhere" in only_error_line()
    assert not output.exists()


def test_the_output_folder_of_another_task(
    predict: Predict,
    output: Path,
    only_error_line: ErrorLine,
    rewrite_task: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert predict() == 0
    before = {path.name: path.read_bytes() for path in output.glob("*.*") if path.is_file()}
    rewrite_task(name="OtherMR")
    capsys.readouterr()
    assert predict() == 2
    line = only_error_line()
    assert "TinyMR" in line
    assert "OtherMR" in line
    assert {path.name: path.read_bytes() for path in output.glob("*.*") if path.is_file()} == before


def test_header_text_stays_in_the_input(
    predict: Predict, tiny_task: Path, output: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tiny_task / "imagesTr" / "TinyMR_0006_0000.nii.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[148:158] = b"JANE DOE 7"  # descrip
    content[328:338] = b"JANE DOE 7"  # intent_name
    path.write_bytes(gzip.compress(bytes(content)))
    caplog.set_level("DEBUG")
    assert predict("--profile", "l2r2022") == 0
    assert "JANE" not in caplog.text
    for file in (path for path in output.rglob("*") if path.is_file()):
        raw = file.read_bytes()
        assert b"JANE" not in (gzip.decompress(raw) if file.suffix == ".gz" else raw)


def test_the_report_names_the_segmentations_that_were_kept(
    predict: Predict, output: Path, report_of: ReportOf
) -> None:
    assert predict("--method", "general") == 0
    report = report_of(output)
    assert report.region_names == ("background", "left bean", "right bean")
    kept = {path.name for path in (output / ".segmentations").iterdir()}
    assert all(len(record.segmentations) == 2 for record in report.pairs)
    assert {name for record in report.pairs for name in record.segmentations} == kept
