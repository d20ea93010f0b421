"""Pairs that are registered all the same: what is odd about their images is told, and changes no field."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pairs.fields.displacement import read_displacement
from pipeline.config import IntensityConfig
from pipeline.predict.report import RunReport
from pipeline.regions.segmentor import Segmentation
from pipeline.weights.bundle import Bundle, write_bundle
from tests.tinytask import edit_volume, image_of

__all__: list[str] = []

pytestmark = pytest.mark.slow

Predict = Callable[..., int]
ReportOf = Callable[[Path], RunReport]
SHAPE = (32, 48, 40)


def test_a_few_nan_voxels_are_replaced(
    predict: Predict, tiny_task: Path, output: Path, report_of: ReportOf
) -> None:
    edit_volume(image_of(tiny_task), lambda array: array.__setitem__((5, 5, 5), np.nan))
    assert predict() == 0
    first, second, third = report_of(output).pairs
    for record in (first, second):
        assert any("TinyMR_0007_0000.nii.gz: 1 NaN" in warning for warning in record.warnings)
    assert third.warnings == ()
    field = read_displacement(output / "disp_0007_0008.npz", SHAPE).displacement
    assert np.isfinite(field).all()


def test_a_constant_image(predict: Predict, tiny_task: Path, output: Path, report_of: ReportOf) -> None:
    edit_volume(image_of(tiny_task), lambda array: array.fill(7))
    assert predict() == 0
    for record, subject in zip(report_of(output).pairs[:2], ("0006", "0007"), strict=True):
        assert "TinyMR_0007_0000.nii.gz: the image is constant" in record.warnings
        moving = "0007" if subject == "0006" else "0008"
        field = read_displacement(output / f"disp_{subject}_{moving}.npz", SHAPE).displacement
        assert np.isfinite(field).all()


def test_images_without_the_unit_that_the_weights_expect(
    predict: Predict, tiny_task: Path, output: Path, report_of: ReportOf, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    window = IntensityConfig(kind="window", low=-500, high=800)
    config = tiny_bundle.header.config.model_copy(update={"intensity": window})
    weights = tmp_path / "ct.safetensors"
    write_bundle(
        weights,
        replace(tiny_bundle, header=tiny_bundle.header.model_copy(update={"config": config})),
    )
    edit_volume(image_of(tiny_task, "0008"), lambda array: array - 1024)
    assert predict("--weights", weights) == 0
    for record in report_of(output).pairs:
        told = {warning.partition(":")[0] for warning in record.warnings if "no voxel is negative" in warning}
        shifted = {f"TinyMR_{subject}_0000.nii.gz" for subject in ("0006", "0007") if subject in record.pair}
        assert told == shifted


def test_an_oblique_affine_changes_no_byte_of_a_field(
    predict: Predict, tiny_task: Path, output: Path, report_of: ReportOf
) -> None:
    assert predict() == 0
    straight = {path.name: path.read_bytes() for path in output.glob("disp_*")}
    turned = np.eye(4)
    turned[:2, :2] = [[0.8, -0.6], [0.6, 0.8]]
    turned[:3, 3] = (7, -3, 11)
    for path in (tiny_task / "imagesTr").iterdir():
        edit_volume(path, lambda array: array, turned)
    assert predict() == 0
    assert {path.name: path.read_bytes() for path in output.glob("disp_*")} == straight
    assert all(not record.warnings for record in report_of(output).pairs)


@pytest.mark.parametrize("copied", [False, True])
def test_fixed_and_moving_of_the_same_content(
    predict: Predict,
    tiny_task: Path,
    output: Path,
    report_of: ReportOf,
    rewrite_task: Callable[..., None],
    copied: bool,
) -> None:
    image_of(tiny_task).write_bytes(image_of(tiny_task, "0006").read_bytes())
    moving = "0007" if copied else "0006"
    pair = {"fixed": "imagesTr/TinyMR_0006_0000.nii.gz", "moving": f"imagesTr/TinyMR_{moving}_0000.nii.gz"}
    rewrite_task(registration_val=[pair])
    assert predict() == 0
    assert "fixed and moving image are the same" in report_of(output).pairs[0].warnings


def test_axes_of_the_moving_image_that_run_another_way(
    predict: Predict, tiny_task: Path, output: Path, report_of: ReportOf
) -> None:
    edit_volume(image_of(tiny_task), lambda array: array, np.diag([-1.0, 1.0, 1.0, 1.0]))
    assert predict() == 0
    told = ["run LAS" in " ".join(record.warnings) for record in report_of(output).pairs]
    assert any(told)
    assert not all(told)


def test_an_image_without_any_region_is_told(
    predict: Predict, output: Path, report_of: ReportOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Segmentation(np.zeros(SHAPE, np.uint8), np.ones(SHAPE, np.float16))
    monkeypatch.setattr("pipeline.regions.segmentor.Segmentor.__call__", lambda *_: nothing)
    assert predict() == 0
    # From the second pair on the segmentation is a kept one.
    assert predict("--profile", "l2r2022") == 0
    assert all(
        any("no region found" in text for text in record.warnings) for record in report_of(output).pairs
    )
