"""The output folder: names, profiles, what is stored, and all that can be wrong with a place to write to."""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from pairs.fields.displacement import find_field, read_displacement
from pairs.fields.unfolding import folded_voxels
from pairs.images.volume import read_image, write_volume
from pairs.tasks.task import read_task
from pipeline.config import RefinementConfig
from pipeline.predict.report import RunReport
from pipeline.registration.registrar import Registrar
from pipeline.weights.bundle import Bundle, write_bundle
from tests.tinytask import edit_volume

__all__: list[str] = []

Predict = Callable[..., int]
Listing = Callable[[Path], list[str]]
ReportOf = Callable[[Path], RunReport]
ErrorLine = Callable[[], str]
SHAPE = (32, 48, 40)
NAMES = ("disp_0006_0007.npz", "disp_0007_0008.npz", "disp_0008_0006.npz")


def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails the test where a pair is registered."""
    monkeypatch.setattr(Registrar, "__call__", lambda *_: pytest.fail("a pair was registered"))


def test_short_names(predict: Predict, output: Path, listing: Listing) -> None:
    assert predict("--profile", "l2r2022") == 0
    assert "disp_0006_0000_0007_0000.nii.gz" in listing(output)
    assert predict("--profile", "l2r2022", "--short-names") == 0
    assert "disp_0006_0007.nii.gz" in listing(output)


def test_a_file_in_place_of_the_output(
    predict: Predict, output: Path, only_error_line: ErrorLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_network(monkeypatch)
    output.write_text("mine", encoding="utf-8")
    assert predict() == 5
    assert str(output) in only_error_line()
    assert output.read_text(encoding="utf-8") == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_that_is_read_only(
    predict: Predict, output: Path, only_error_line: ErrorLine
) -> None:
    output.mkdir(mode=0o555)
    assert predict() == 5
    assert str(output) in only_error_line()


def test_two_pairs_of_one_output_name(
    predict: Predict,
    tiny_task: Path,
    output: Path,
    listing: Listing,
    only_error_line: ErrorLine,
    rewrite_task: Callable[..., None],
) -> None:
    """ThoraxCBCT: one subject, one planning scan, two cone beams; the short name tells them not apart."""
    images = tiny_task / "imagesTr"
    for modality in ("0001", "0002"):
        shutil.copy(images / "TinyMR_0006_0000.nii.gz", images / f"TinyMR_0006_{modality}.nii.gz")
    moving = "imagesTr/TinyMR_0006_0000.nii.gz"
    fixed = [f"imagesTr/TinyMR_0006_{modality}.nii.gz" for modality in ("0001", "0002")]
    rewrite_task(registration_val=[{"fixed": one, "moving": moving} for one in fixed])
    assert predict() == 2
    line = only_error_line()
    assert "disp_0006_0006.npz" in line
    assert "0006_0001<--0006_0000 and 0006_0002<--0006_0000" in line
    assert "l2r2022" in line
    assert not output.exists()
    assert predict("--profile", "l2r2022", "--short-names") == 2
    assert predict("--profile", "l2r2022") == 0
    assert listing(output) == [
        "disp_0006_0001_0006_0000.nii.gz",
        "disp_0006_0002_0006_0000.nii.gz",
        "report.json",
    ]


@pytest.mark.slow
def test_odd_sides(
    predict: Predict,
    tiny_task: Path,
    output: Path,
    listing: Listing,
    report_of: ReportOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for path in (tiny_task / "imagesTr").iterdir():
        image = read_image(path)
        write_volume(path, image.array[:31, :47, :], image.header.affine)
    with monkeypatch.context() as patch:
        no_network(patch)
        assert predict() == 1
    for record in report_of(output).pairs:
        assert (record.status, record.error_code) == ("failed", "displacement")
        assert "even sides" in (record.error or "")
        assert "l2r2022" in (record.error or "")
    assert listing(output) == ["report.json"]
    assert predict("--profile", "l2r2022") == 0
    pair = read_task(tiny_task).pairs[0]
    field = read_displacement(find_field(output, pair), (31, 47, 40)).displacement
    assert field.shape == (31, 47, 40, 3)


def test_two_runs_give_the_same_bytes(predict: Predict, output: Path) -> None:
    assert predict() == 0
    first = {name: (output / name).read_bytes() for name in NAMES}
    shutil.rmtree(output)
    assert predict() == 0
    assert {name: (output / name).read_bytes() for name in NAMES} == first


def test_a_full_disk_ends_the_run(
    predict: Predict,
    output: Path,
    listing: Listing,
    report_of: ReportOf,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    original = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if target.name == "disp_0007_0008.npz":
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        assert predict() == 5
    line = capsys.readouterr().err
    assert line.startswith("error: ")
    assert "No space left on device" in line
    assert line.count("\n") == 1
    assert listing(output) == ["disp_0006_0007.npz", "report.json"]
    assert [record.status for record in report_of(output).pairs] == ["done"]
    assert predict() == 0


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 12, 5), (33, 6, 41)])
def test_images_of_any_sides_are_registered_where_the_profile_can_store_them(
    predict: Predict, tiny_task: Path, output: Path, report_of: ReportOf, shape: tuple[int, int, int]
) -> None:
    random = np.random.default_rng(0)
    for path in (tiny_task / "imagesTr").iterdir():
        edit_volume(path, lambda _: random.random(shape, np.float32) + 0.1)
    assert predict("--profile", "l2r2022") == 0
    for record in report_of(output).pairs:
        assert read_displacement(output / str(record.file), shape).displacement.shape == (*shape, 3)
    assert predict("--profile", "l2r2021") == 1
    for record in report_of(output).pairs:
        assert record.error is not None
        assert "half of the grid" in record.error
        assert "even sides" in record.error
        assert "l2r2022" in record.error


def crumpled(*_: object) -> np.ndarray:
    """A displacement that folds where it is read as it is, and where it is stored on the half grid."""
    noise = np.random.default_rng(0).normal(size=(*SHAPE, 3))
    return gaussian_filter(noise, (2, 2, 2, 0)).astype(np.float32) * 18


@pytest.mark.slow
@pytest.mark.parametrize(
    ("profile", "iterations", "folds"),
    [("l2r2021", 0, False), ("psmareg2026", 0, False), ("l2r2022", 2, False), ("l2r2022", 0, True)],
)
def test_neither_storing_nor_refinement_folds(
    predict: Predict,
    output: Path,
    report_of: ReportOf,
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
    for record in report_of(output).pairs:
        assert record.file is not None
        field = read_displacement(output / record.file, SHAPE).displacement
        assert (len(folded_voxels(field)) > 0) == folds
