"""The general method on bad input: told in a line, the other pairs done, nothing half-written."""

import gzip
import logging
import re
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from pairs.fields.displacement import read_displacement
from pairs.images.volume import write_volume
from pipeline.machine import memorylimit
from pipeline.predict.report import RunReport
from tests.tinytask import edit_volume

__all__: list[str] = []

Predict = Callable[..., int]
Listing = Callable[[Path], list[str]]
ReportOf = Callable[[Path], RunReport]
Edit = Callable[[np.ndarray], np.ndarray]
SHAPE = (32, 48, 40)
THIRD = "disp_0008_0000_0006_0000.nii.gz"


def change(task: Path, edit: Edit, kind: str = "images", subject: str = "0007") -> None:
    """Replaces the voxels of one volume of the task."""
    edit_volume(task / f"{kind}Tr" / f"TinyMR_{subject}_0000.nii.gz", edit)


def one_voxel(array: np.ndarray) -> np.ndarray:
    """All but one of the values lie in no range."""
    changed = np.full_like(array, -5)
    changed[3, 4, 5] = 7
    return changed


def nan_in(share: float) -> Edit:
    return lambda array: np.where(np.random.default_rng(0).random(array.shape) < share, np.nan, array)


def without(*labels: int) -> Edit:
    return lambda array: np.where(np.isin(array, labels), 0, array).astype(np.uint8)


@pytest.mark.parametrize(
    ("edit", "code", "words"),
    [
        (lambda array: np.full_like(array, 7), "volume", "constant: there is nothing to register"),
        (np.zeros_like, "volume", "constant: there is nothing to register"),
        (one_voxel, "volume", "constant in the range of intensities"),
        (nan_in(0.2), "nonfinite", "too many NaN"),
        (lambda array: array[:, :, 0], "volume", "not three-dimensional"),
        (lambda array: np.stack([array, array], -1), "volume", "too many axes"),
        (lambda array: array[:, :, :20], "grid", "differ in shape"),
    ],
)
def test_a_bad_image_fails_its_pairs_only(
    quick_general: Predict,
    tiny_task: Path,
    output: Path,
    listing: Listing,
    report_of: ReportOf,
    caplog: pytest.LogCaptureFixture,
    edit: Edit,
    code: str,
    words: str,
) -> None:
    change(tiny_task, edit)
    assert quick_general() == 1
    first, second, third = report_of(output).pairs
    for record in (first, second):
        assert (record.status, record.error_code, record.file) == ("failed", code, None)
        assert words in (record.error or "")
    assert third.status == "done"
    assert listing(output) == [THIRD, "report.json"]
    assert "Traceback" not in caplog.text


def test_a_constant_image_has_a_zero_field_where_asked_for(
    quick_general: Predict, tiny_task: Path, output: Path, report_of: ReportOf
) -> None:
    change(tiny_task, np.zeros_like)
    assert quick_general("--on-error", "identity") == 1
    records = report_of(output).pairs
    assert [record.status for record in records] == ["identity", "identity", "done"]
    assert not read_displacement(output / str(records[0].file), SHAPE).displacement.any()


def test_a_few_nan_voxels_are_replaced(
    quick_general: Predict, tiny_task: Path, output: Path, report_of: ReportOf
) -> None:
    change(tiny_task, nan_in(0.002))
    assert quick_general() == 0
    first, _, third = report_of(output).pairs
    assert any("NaN or infinite voxels replaced" in text for text in first.warnings)
    assert third.warnings == ()
    assert np.isfinite(read_displacement(output / str(first.file), SHAPE).displacement).all()


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (without(1, 4), "registered without regions: TinyMR_0006_0000.nii.gz and TinyMR_0007_0000.nii.gz"),
        (without(4), "left out, since TinyMR_0007_0000.nii.gz lacks them: labels 4 of TinyMR_0006"),
    ],
)
def test_labels_in_one_image_only_are_told_and_left_out(
    quick_general: Predict, tiny_task: Path, output: Path, report_of: ReportOf, edit: Edit, words: str
) -> None:
    change(tiny_task, edit, "labels")
    assert quick_general("--segmentations", tiny_task / "labelsTr") == 0
    first, second, third = report_of(output).pairs
    assert any(text.startswith(words) for text in first.warnings)
    assert any("in common" in text or "lacks them" in text for text in second.warnings)
    assert third.warnings == ()


def test_without_a_label_in_common_it_is_as_without_label_maps(
    quick_general: Predict, tiny_task: Path, output: Path, report_of: ReportOf, tmp_path: Path
) -> None:
    change(tiny_task, without(1), "labels", "0006")
    change(tiny_task, without(4), "labels", "0007")
    assert quick_general("--segmentations", tiny_task / "labelsTr") == 0
    with_maps = report_of(output).pairs[0].file_sha256
    assert quick_general() == 0
    assert report_of(output).pairs[0].file_sha256 == with_maps


def test_two_modalities_are_compared_by_descriptors(
    quick_general: Predict,
    tiny_task: Path,
    output: Path,
    rewrite_task: Callable[..., None],
    report_of: ReportOf,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The moving image has its contrast turned round."""
    caplog.set_level(logging.INFO)
    images = tiny_task / "imagesTr"
    change(tiny_task, lambda array: array.max() - array)
    (images / "TinyMR_0007_0000.nii.gz").rename(images / "TinyMR_0007_0001.nii.gz")
    pair = {"fixed": "imagesTr/TinyMR_0006_0000.nii.gz", "moving": "imagesTr/TinyMR_0007_0001.nii.gz"}
    rewrite_task(registration_val=[pair], training=[], modality={"0": "MR", "1": "CT"})
    assert quick_general() == 0
    assert "modalities MR and CT: descriptors are compared" in caplog.text
    assert report_of(output).pairs[0].status == "done"


def give_mask(task: Path, array: np.ndarray, affine: np.ndarray | None = None) -> Path:
    """Writes the mask of the first pair's fixed image."""
    folder = task / "masksTr"
    folder.mkdir(exist_ok=True)
    write_volume(folder / "TinyMR_0006_0000.nii.gz", array, np.eye(4) if affine is None else affine)
    return folder / "TinyMR_0006_0000.nii.gz"


def half() -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8)
    mask[:, :24] = 1
    return mask


def test_masks_of_the_task_restrict_what_is_compared(
    quick_general: Predict,
    tiny_task: Path,
    output: Path,
    report_of: ReportOf,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    assert quick_general() == 0
    without_mask = [record.file_sha256 for record in report_of(output).pairs]
    assert "within the masks" not in caplog.text
    give_mask(tiny_task, half())
    assert quick_general() == 0
    assert "within the masks" in caplog.text
    first, second, third = report_of(output).pairs
    # A mask is an input as the images are: its pair alone is registered again.
    assert first.file_sha256 != without_mask[0]
    assert [second.file_sha256, third.file_sha256] == without_mask[1:]
    assert first.warnings == ()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda task: give_mask(task, np.zeros(SHAPE, np.uint8)), "the mask is empty"),
        (lambda task: give_mask(task, half()[:, :, :20]), "shape differs"),
        (lambda task: give_mask(task, half() * np.float32(0.3)), "not integers"),
        (lambda task: give_mask(task, half()).write_bytes(b"no volume"), "masksTr/TinyMR_0006"),
        (lambda task: give_mask(task, half()).unlink(), "no mask of the image"),
        (lambda task: leave_by_link(give_mask(task, half())), "symlink leaves the task folder"),
    ],
)
def test_a_mask_that_cannot_be_used_is_told_and_left_out(
    quick_general: Predict,
    tiny_task: Path,
    output: Path,
    report_of: ReportOf,
    spoil: Callable[[Path], object],
    words: str,
) -> None:
    assert quick_general() == 0
    without_mask = report_of(output).pairs[0].file_sha256
    spoil(tiny_task)
    (output / "disp_0006_0000_0007_0000.nii.gz").unlink()
    assert quick_general() == 0
    first = report_of(output).pairs[0]
    assert first.file_sha256 == without_mask
    assert first.warnings[0].startswith("registered without its mask: ")
    assert words in first.warnings[0]


def leave_by_link(mask: Path) -> None:
    elsewhere = mask.parents[2] / "elsewhere.nii.gz"
    mask.rename(elsewhere)
    mask.symlink_to(elsewhere)


def test_a_mask_of_another_affine_counts_voxel_by_voxel(
    quick_general: Predict, tiny_task: Path, output: Path, report_of: ReportOf
) -> None:
    """As for the images themselves: hosts look at arrays alone."""
    give_mask(tiny_task, half())
    assert quick_general() == 0
    straight = report_of(output).pairs[0].file_sha256
    give_mask(tiny_task, half(), np.diag([1.0, 1, 2, 1]))
    assert quick_general() == 0
    first = report_of(output).pairs[0]
    assert first.file_sha256 == straight
    assert "affine of masksTr" in first.warnings[0]


def test_networks_look_at_no_mask(predict: Predict, tiny_task: Path, output: Path, listing: Listing) -> None:
    give_mask(tiny_task, np.zeros(SHAPE, np.uint8)).write_bytes(b"no volume")
    assert predict() == 0
    assert len(listing(output)) == 4


def test_a_pair_that_does_not_fit_into_memory_is_told_before_it_is_read(
    quick_general: Predict,
    tiny_task: Path,
    output: Path,
    rewrite_task: Callable[..., None],
    report_of: ReportOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Headers with too few voxels behind them: reading on would be another error.
    header = nib.Nifti1Image(np.zeros((1, 1, 1), np.uint8), np.eye(4)).header
    header.set_data_shape((640, 640, 640))
    header["vox_offset"], header["magic"] = 352, b"n+1"
    noise = np.random.default_rng(0).bytes(400_000)
    names = [f"imagesTr/TinyMR_{subject}_0000.nii.gz" for subject in ("0001", "0002", "0008", "0006")]
    for name in names[:2]:
        (tiny_task / name).write_bytes(gzip.compress(header.binaryblock + bytes(4) + noise))
    pairs = [{"fixed": fixed, "moving": moving} for fixed, moving in (names[:2], names[2:])]
    rewrite_task(registration_val=pairs)
    monkeypatch.setattr(memorylimit, "memory_of", lambda device: 14 * 2**30)
    assert quick_general() == 1
    large, small = report_of(output).pairs
    assert (large.status, large.error_code, small.status) == ("failed", "memory", "done")
    assert re.search(
        r"pair of \(640, 640, 640\) voxels; expected about \d\d\.\d GiB, got 14\.0 GiB", large.error or ""
    )
