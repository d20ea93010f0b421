"""`register` from the command line: what it writes, refuses and leaves alone."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from pairs.fields.displacement import read_displacement
from pairs.images.volume import read_image
from pipeline.machine import memorylimit
from pipeline.register import register
from pipeline.weights.bundle import Bundle, write_bundle
from textscf.program import main

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[3]
FILES = ["displacement.nii.gz", "picture.png", "report.json", "warped.nii.gz"]
Draw = Callable[..., Path]
Grids = dict[str, Any]


@pytest.fixture
def scans(drawn: Draw, grids: Grids) -> dict[str, Path]:
    """Two images on two grids, and their label maps."""
    fixed, moving = grids["oblique"], grids["flat"]
    return {
        "fixed": drawn("fixed.nii.gz", fixed),
        "moving": drawn("moving.nii.gz", moving),
        "fixed-regions": drawn("fixed_labels.nii.gz", fixed, labels=True),
        "moving-regions": drawn("moving_labels.nii.gz", moving, labels=True),
        "mask": drawn("mask.nii.gz", fixed, labels=True),
    }


@pytest.fixture
def weights(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    write_bundle(path, tiny_bundle)
    return path


def words(scans: dict[str, Path], out: Path, *more: object) -> list[str]:
    given = ("register", scans["fixed"], scans["moving"], "--out", out, "--device", "cpu", *more)
    return [str(word) for word in given]


def beside(scans: dict[str, Path]) -> list[object]:
    return [word for name in list(scans)[2:] for word in (f"--{name}", scans[name])]


def test_a_network_registers_two_scans_of_any_grids(
    scans: dict[str, Path], weights: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "out"
    assert main(words(scans, out, "--weights", weights, *beside(scans))) == 0
    assert sorted(path.name for path in out.iterdir()) == FILES
    fixed = read_image(scans["fixed"])
    warped = read_image(out / "warped.nii.gz")
    assert warped.header.shape == fixed.header.shape
    assert warped.header.affine == pytest.approx(fixed.header.affine)
    field = nib.load(out / "displacement.nii.gz")
    assert field.get_data_dtype() == np.float32
    assert field.affine == pytest.approx(fixed.header.affine)
    found = register(
        scans["fixed"],
        scans["moving"],
        weights,
        device="cpu",
        moving_regions=scans["moving-regions"],
        fixed_regions=scans["fixed-regions"],
        mask=scans["mask"],
    )
    stored = read_displacement(out / "displacement.nii.gz", fixed.header.shape).displacement
    assert np.array_equal(stored, found.displacement)
    assert np.array_equal(warped.array, found.warped())
    report = json.loads((out / "report.json").read_text())
    assert report["method"] == "network"
    assert report["weights"] == "weights.safetensors"
    assert report["grids"]["basis"] == "affines"
    assert report["grids"]["fixed_voxel_to_moving_voxel"] == found.scans.relation.to_moving_voxels().tolist()
    assert 0.8 < report["dice"]["mean"]["before"] <= 1
    assert set(report["dice"]) == {"mean", "1", "4"}
    assert report["similarity"]["correlation"]["before"] > 0.9
    assert report["peak_memory_mib"] > 0
    assert sum(report["seconds"].values()) > 0
    assert any("uses no mask" in text for text in report["warnings"])
    # Nothing of the folders, which may name a person.
    assert str(tmp_path) not in (out / "report.json").read_text()
    assert "mean Dice" in caplog.text


def test_the_report_says_what_was_compared(
    scans: dict[str, Path], weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def compared(*more: object) -> object:
        assert main(words(scans, tmp_path / "out", *more)) == 0
        return json.loads((tmp_path / "out" / "report.json").read_text())["compared"]

    assert compared("--affine-only") == "correlation"
    assert compared("--affine-only", "--modalities", "CT", "MR") == "descriptors"
    assert compared("--weights", weights) is None
    out = tmp_path / "none"
    refused(words(scans, out, "--modalities", "CT"), 2, "expected 2 arguments", capsys)
    with_both = words(scans, out, "--weights", weights, "--modalities", "CT", "MR")
    refused(with_both, 2, "modalities are for the general method alone", capsys)
    assert not out.exists() or list(out.iterdir()) == []


def test_two_runs_write_the_same(scans: dict[str, Path], tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert main(words(scans, tmp_path / name, "--affine-only")) == 0
    for name in ("displacement.nii.gz", "warped.nii.gz", "picture.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    # Into the same folder again.
    assert main(words(scans, tmp_path / "one", "--affine-only")) == 0


def test_scans_without_an_orientation(scans: dict[str, Path], tmp_path: Path) -> None:
    for name in ("fixed", "moving"):
        image = nib.load(scans[name])
        bare = nib.Nifti1Image(image.get_fdata(dtype=np.float32), None)
        bare.header.set_zooms(image.header.get_zooms())
        nib.save(bare, tmp_path / f"bare_{name}.nii.gz")
    bare_files = {name: tmp_path / f"bare_{name}.nii.gz" for name in ("fixed", "moving")}
    out = tmp_path / "out"
    assert main(words(bare_files, out, "--affine-only")) == 0
    report = json.loads((out / "report.json").read_text())
    assert report["grids"]["basis"] == "sizes"
    assert any("voxel sizes alone" in text for text in report["warnings"])
    for name in ("warped.nii.gz", "displacement.nii.gz"):
        written = nib.load(out / name)
        assert (int(written.header["sform_code"]), int(written.header["qform_code"])) == (0, 0)
        assert written.header.get_zooms()[:3] == pytest.approx((1.7, 1.9, 2.3))


def refused(arguments: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(arguments) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert sentence in line


def test_what_is_refused_is_one_line_and_writes_nothing(
    scans: dict[str, Path],
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    both = [str(scans["fixed"]), str(scans["moving"])]
    refused(["register", *both], 2, "--out", capsys)
    refused(words(scans | {"moving": tmp_path / "no.nii.gz"}, out, "--affine-only"), 1, "no.nii.gz", capsys)
    refused(words(scans, out, "--affine-only", "--mask", scans["moving"]), 1, "shape differs", capsys)
    refused(words(scans, scans["fixed"], "--affine-only"), 5, "not a folder", capsys)
    monkeypatch.setattr(memorylimit, "memory_of", lambda device: 2**20)
    refused(
        words(scans, out, "--weights", weights), 1, "too little memory for a fixed image of (40, 3", capsys
    )
    assert not out.exists() or list(out.iterdir()) == []


def test_no_input_is_replaced(
    scans: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("fixed", "moving"):
        inside = scans[name].rename(out / "warped.nii.gz")
        before = inside.read_bytes()
        refused(words(scans | {name: inside}, out, "--affine-only"), 2, "output is also an input", capsys)
        assert inside.read_bytes() == before
        inside.rename(scans[name])
    linked = tmp_path / "linked"
    linked.symlink_to(out)
    inside = scans["moving"].rename(out / "warped.nii.gz")
    refused(words(scans | {"moving": inside}, linked, "--affine-only"), 2, "also an input", capsys)


def test_a_folder_of_another_command_is_left_alone(
    scans: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.json").write_text('{"task": "HippocampusMR"}')
    refused(words(scans, out, "--affine-only"), 2, "belongs to another command", capsys)
    assert [path.name for path in out.iterdir()] == ["report.json"]
    images = tmp_path / "T" / "imagesTr"
    images.mkdir(parents=True)
    fixed = scans["fixed"].rename(images / "fixed.nii.gz")
    labels = tmp_path / "T" / "labelsTr"
    refused(words(scans | {"fixed": fixed}, labels, "--affine-only"), 2, "output is also an input", capsys)


def test_without_a_report_an_earlier_result_is_not_taken_for_whole(
    scans: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up while the second of the files is written."""
    out = tmp_path / "out"
    assert main(words(scans, out, "--affine-only")) == 0

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("evaluation.picture.fileformat.whole_file", full)
    assert main(words(scans, out, "--affine-only")) == 5
    assert sorted(path.name for path in out.iterdir()) == [name for name in FILES if name != "report.json"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_nothing_written(
    drawn: Draw, grids: Grids, weights: Path, tmp_path: Path, number: signal.Signals
) -> None:
    grid = type(grids["plain"])((160, 160, 160), grids["plain"].affine)
    scans = {"fixed": drawn("f.nii.gz", grid), "moving": drawn("m.nii.gz", grids["fine"])}
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "textscf", *words(scans, out, "--weights", weights)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    while not out.exists() and process.poll() is None:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 75, error
    # What is odd about the scans may be said before.
    *told, last = error.splitlines()
    assert last.startswith("error: stopped by a signal")
    assert all(line.startswith("warning: ") for line in told)
    assert list(out.iterdir()) == []
