"""Pairs that go wrong: each with its code in the report, the others done, nothing half-written."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from pairs.fields.displacement import read_displacement
from pairs.fields.unfolding import folded_voxels
from pairs.images.volume import Volume, read_image, write_volume
from pipeline.config import IntensityConfig, RefinementConfig
from pipeline.predict.report import PairRecord, read_report
from pipeline.regions.segmentor import Segmentation
from pipeline.registration import pairwise
from pipeline.registration.registrar import Registrar
from pipeline.weights.bundle import Bundle, write_bundle

__all__: list[str] = []

pytestmark = pytest.mark.slow

Predict = Callable[..., int]
Damage = Callable[[Path], object]
SHAPE = (32, 48, 40)


def records(output: Path) -> tuple[PairRecord, ...]:
    report = read_report(output)
    assert report is not None
    return report.pairs


def files(output: Path) -> list[str]:
    """Names of all files, hidden ones too, without the kept segmentations."""
    return sorted(path.name for path in output.iterdir() if path.is_file())


def image(task: Path, subject: str = "0007") -> Path:
    return task / "imagesTr" / f"TinyMR_{subject}_0000.nii.gz"


def change(path: Path, edit: Callable[[np.ndarray], object], affine: np.ndarray | None = None) -> None:
    """Edits the voxels of a volume in place; what `edit` returns, if anything, replaces them."""
    volume = read_image(path)
    array = edit(volume.array)
    write_volume(
        path,
        array if isinstance(array, np.ndarray) else volume.array,
        volume.header.affine if affine is None else affine,
    )


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def with_nan(path: Path) -> None:
    change(path, lambda array: array.__setitem__(slice(0, 8), np.nan))


def with_spacing(path: Path) -> None:
    change(path, lambda array: array, np.diag([1.0, 1.0, 2.0, 1.0]))


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (Path.unlink, "missing"),
        (make_folder, "missing"),
        (lambda path: path.write_bytes(b""), "corrupt"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1000]), "corrupt"),
        (with_nan, "nonfinite"),
        (lambda path: change(path, lambda array: array[:, :, :20]), "grid"),
        (with_spacing, "grid"),
        (lambda path: change(path, lambda array: np.stack([array, array], -1)), "volume"),
    ],
)
def test_a_bad_image_fails_its_pairs_only(
    predict: Predict,
    tiny_task: Path,
    output: Path,
    damage: Damage,
    code: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(image(tiny_task))
    assert predict() == 1
    first, second, third = records(output)
    for record in (first, second):
        assert (record.status, record.error_code, record.file) == ("failed", code, None)
        assert "TinyMR_0007_0000" in (record.error or "")
        # Folders above the task may name a person.
        assert str(tiny_task.parent) not in (record.error or "")
    assert third.status == "done"
    assert files(output) == ["disp_0008_0006.npz", "report.json"]
    assert "Traceback" not in caplog.text
    assert capsys.readouterr().err == ""


def test_a_few_nan_voxels_are_replaced(predict: Predict, tiny_task: Path, output: Path) -> None:
    change(image(tiny_task), lambda array: array.__setitem__((5, 5, 5), np.nan))
    assert predict() == 0
    first, second, third = records(output)
    for record in (first, second):
        assert any("TinyMR_0007_0000.nii.gz: 1 NaN" in warning for warning in record.warnings)
    assert third.warnings == ()
    field = read_displacement(output / "disp_0007_0008.npz", SHAPE).displacement
    assert np.isfinite(field).all()


def test_a_constant_image(predict: Predict, tiny_task: Path, output: Path) -> None:
    change(image(tiny_task), lambda array: array.fill(7))
    assert predict() == 0
    for record, subject in zip(records(output)[:2], ("0006", "0007"), strict=True):
        assert "TinyMR_0007_0000.nii.gz: the image is constant" in record.warnings
        moving = "0007" if subject == "0006" else "0008"
        field = read_displacement(output / f"disp_{subject}_{moving}.npz", SHAPE).displacement
        assert np.isfinite(field).all()


def test_images_without_the_unit_that_the_weights_expect(
    predict: Predict, tiny_task: Path, output: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    window = IntensityConfig(kind="window", low=-500, high=800)
    config = tiny_bundle.header.config.model_copy(update={"intensity": window})
    weights = tmp_path / "ct.safetensors"
    write_bundle(
        weights,
        replace(tiny_bundle, header=tiny_bundle.header.model_copy(update={"config": config})),
    )
    change(image(tiny_task, "0008"), lambda array: array - 1024)
    assert predict("--weights", weights) == 0
    for record in records(output):
        told = {warning.partition(":")[0] for warning in record.warnings if "no voxel is negative" in warning}
        shifted = {f"TinyMR_{subject}_0000.nii.gz" for subject in ("0006", "0007") if subject in record.pair}
        assert told == shifted


def test_an_oblique_affine_changes_no_byte_of_a_field(
    predict: Predict, tiny_task: Path, output: Path
) -> None:
    assert predict() == 0
    straight = {path.name: path.read_bytes() for path in output.glob("disp_*")}
    turned = np.eye(4)
    turned[:2, :2] = [[0.8, -0.6], [0.6, 0.8]]
    turned[:3, 3] = (7, -3, 11)
    for path in (tiny_task / "imagesTr").iterdir():
        change(path, lambda array: array, turned)
    assert predict() == 0
    assert {path.name: path.read_bytes() for path in output.glob("disp_*")} == straight
    assert all(not record.warnings for record in records(output))


@pytest.mark.parametrize("copied", [False, True])
def test_fixed_and_moving_of_the_same_content(
    predict: Predict, tiny_task: Path, output: Path, rewrite_task: Callable[..., None], copied: bool
) -> None:
    image(tiny_task).write_bytes(image(tiny_task, "0006").read_bytes())
    moving = "0007" if copied else "0006"
    pair = {"fixed": "imagesTr/TinyMR_0006_0000.nii.gz", "moving": f"imagesTr/TinyMR_{moving}_0000.nii.gz"}
    rewrite_task(registration_val=[pair])
    assert predict() == 0
    assert "fixed and moving image are the same" in records(output)[0].warnings


def test_axes_of_the_moving_image_that_run_another_way(
    predict: Predict, tiny_task: Path, output: Path
) -> None:
    change(image(tiny_task), lambda array: array, np.diag([-1.0, 1.0, 1.0, 1.0]))
    assert predict() == 0
    told = ["run LAS" in " ".join(record.warnings) for record in records(output)]
    assert any(told)
    assert not all(told)


def test_an_image_without_any_region_is_told(
    predict: Predict, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Segmentation(np.zeros(SHAPE, np.uint8), np.ones(SHAPE, np.float16))
    monkeypatch.setattr("pipeline.regions.segmentor.Segmentor.__call__", lambda *_: nothing)
    assert predict() == 0
    # From the second pair on the segmentation is a kept one.
    assert predict("--profile", "l2r2022") == 0
    assert all(any("no region found" in text for text in record.warnings) for record in records(output))


@pytest.mark.parametrize("profile", ["l2r2021", "lumir2024"])
def test_a_zero_field_where_asked_for(predict: Predict, tiny_task: Path, output: Path, profile: str) -> None:
    image(tiny_task).write_bytes(b"")
    arguments = ("--on-error", "identity", "--profile", profile)
    assert predict(*arguments) == 1
    suffix = ".npz" if profile == "l2r2021" else ".nii.gz"
    for record, name in zip(records(output), ("0006_0007", "0007_0008"), strict=False):
        assert (record.status, record.error_code) == ("identity", "corrupt")
        assert record.file == f"disp_{name}{suffix}"
        assert not read_displacement(output / record.file, SHAPE).displacement.any()
    assert records(output)[2].status == "done"
    assert len(files(output)) == 4
    # It is no result: the next run does not keep it, and without the option removes it.
    assert predict("--profile", profile) == 1
    assert files(output) == [f"disp_0008_0006{suffix}", "report.json"]


def test_a_zero_field_of_the_stated_shape(
    predict: Predict, tiny_task: Path, output: Path, rewrite_task: Callable[..., None]
) -> None:
    for subject in ("0006", "0007"):
        image(tiny_task, subject).unlink()
    assert predict("--on-error", "identity") == 1
    assert not read_displacement(output / "disp_0006_0007.npz", SHAPE).displacement.any()
    rewrite_task(tensorImageShape={})
    assert predict("--on-error", "identity") == 1
    record = records(output)[0]
    assert (record.status, record.error_code) == ("failed", "missing")
    assert any("tensorImageShape" in warning for warning in record.warnings)
    assert "disp_0006_0007.npz" not in files(output)


def test_no_zero_field_of_an_odd_grid(predict: Predict, tiny_task: Path, output: Path) -> None:
    for subject in ("0006", "0007", "0008"):
        change(image(tiny_task, subject), lambda array: array[:31])
    assert predict("--on-error", "identity") == 1
    assert {record.status for record in records(output)} == {"failed"}
    assert files(output) == ["report.json"]


def fail_for(monkeypatch: pytest.MonkeyPatch, subject: str, error: Exception) -> None:
    """Lets the network fail for one fixed image."""
    original = Registrar.__call__

    def register(self: Registrar, moving: Volume, fixed: Volume, *regions: Segmentation | None) -> np.ndarray:
        if subject in fixed.header.path.name:
            raise error
        return original(self, moving, fixed, *regions)

    monkeypatch.setattr(Registrar, "__call__", register)


def test_an_unknown_error_stays_with_its_pair(
    predict: Predict, output: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fail_for(monkeypatch, "_0007_", RuntimeError("shapes\nof two lines \x1b[31m"))
    assert predict() == 1
    first, second, third = records(output)
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
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    fail_for(monkeypatch, "_0007_", error)
    assert predict() == 1
    assert [record.error_code for record in records(output)] == [None, "memory", None]
    assert "Traceback" not in caplog.text


def test_a_field_that_is_not_finite_is_never_written(
    predict: Predict, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = np.full((*SHAPE, 3), np.nan, np.float32)
    monkeypatch.setattr(Registrar, "__call__", lambda *_: broken)
    assert predict() == 1
    assert {record.error_code for record in records(output)} == {"nonfinite"}
    assert files(output) == ["report.json"]


def test_one_line_per_pair(predict: Predict, tiny_task: Path, caplog: pytest.LogCaptureFixture) -> None:
    change(image(tiny_task, "0008"), lambda array: array.__setitem__((5, 5, 5), np.nan))
    (tiny_task / "imagesTr" / "TinyMR_0006_0000.nii.gz").unlink()
    caplog.set_level(logging.INFO)
    assert predict() == 1
    lines = [record.getMessage() for record in caplog.records if record.name.endswith("run")]
    assert len(lines) == 3
    assert lines[0].startswith("0006_0000<--0007_0000: failed (missing)")
    assert lines[1].startswith("0007_0000<--0008_0000: disp_0007_0008.npz in ")
    assert "warning: TinyMR_0008_0000.nii.gz: 1 NaN" in lines[1]


@pytest.mark.parametrize("spoil", [with_spacing, lambda path: change(path, lambda array: array[:-2])])
def test_a_pair_on_two_grids_is_refused_before_voxels_are_read(
    predict: Predict, tiny_task: Path, output: Path, monkeypatch: pytest.MonkeyPatch, spoil: Damage
) -> None:
    spoil(image(tiny_task, "0007"))
    read: list[str] = []
    original = pairwise.read_image
    monkeypatch.setattr(pairwise, "read_image", lambda path: read.append(path.name) or original(path))
    assert predict() == 1
    assert [record.error_code for record in records(output)] == ["grid", "grid", None]
    assert read == ["TinyMR_0008_0000.nii.gz", "TinyMR_0006_0000.nii.gz"]


@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 12, 5), (33, 6, 41)])
def test_images_of_any_sides_are_registered_where_the_profile_can_store_them(
    predict: Predict, tiny_task: Path, output: Path, shape: tuple[int, int, int]
) -> None:
    random = np.random.default_rng(0)
    for path in (tiny_task / "imagesTr").iterdir():
        change(path, lambda _: random.random(shape, np.float32) + 0.1)
    assert predict("--profile", "l2r2022") == 0
    for record in records(output):
        assert read_displacement(output / str(record.file), shape).displacement.shape == (*shape, 3)
    assert predict("--profile", "l2r2021") == 1
    for record in records(output):
        assert record.error is not None
        assert "half of the grid" in record.error
        assert "even sides" in record.error
        assert "l2r2022" in record.error


def crumpled(*_: object) -> np.ndarray:
    """A displacement that folds where it is read as it is, and where it is stored on the half grid."""
    noise = np.random.default_rng(0).normal(size=(*SHAPE, 3))
    return gaussian_filter(noise, (2, 2, 2, 0)).astype(np.float32) * 18


@pytest.mark.parametrize(
    ("profile", "iterations", "folds"),
    [("l2r2021", 0, False), ("psmareg2026", 0, False), ("l2r2022", 2, False), ("l2r2022", 0, True)],
)
def test_neither_storing_nor_refinement_folds(
    predict: Predict,
    output: Path,
    tiny_bundle: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    profile: str,
    iterations: int,
    folds: bool,
) -> None:
    """What the network itself folds, where nothing is added to it, is shown as it is."""
    config = tiny_bundle.header.config
    refinement = RefinementConfig(iterations=iterations)
    header = tiny_bundle.header.model_copy(
        update={"config": config.model_copy(update={"refinement": refinement})}
    )
    weights = tmp_path / "refining.safetensors"
    write_bundle(weights, replace(tiny_bundle, header=header))
    monkeypatch.setattr(Registrar, "__call__", crumpled)
    assert len(folded_voxels(crumpled()))
    assert predict("--profile", profile, "--weights", weights) == 0
    for record in records(output):
        assert record.file is not None
        field = read_displacement(output / record.file, SHAPE).displacement
        assert (len(folded_voxels(field)) > 0) == folds
