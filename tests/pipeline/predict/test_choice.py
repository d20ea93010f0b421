"""The method of a run: networks where weights fit, else the general method, which needs none."""

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pairs.fields.displacement import read_displacement
from pairs.fields.profile import PROFILES
from pairs.images.volume import read_labels
from pairs.tasks.task import Task, read_task
from pipeline.config import shipped_config
from pipeline.general.registration import GeneralRegistration
from pipeline.machine.device import choose_device
from pipeline.predict.choice import Choice
from pipeline.predict.report import RunReport
from pipeline.weights import folders as weightfolders
from pipeline.weights.bundle import Bundle, write_bundle
from textscf.program import main

__all__: list[str] = []

ReportOf = Callable[[Path], RunReport]
ErrorLine = Callable[[], str]
RewriteTask = Callable[..., None]


def predict(task: Path, output: Path, *words: str | Path) -> int:
    return main(["predict", str(task), str(output), "--device", "cpu", *map(str, words)])


def dice_of(task: Path, displacement: np.ndarray) -> float:
    """Of both beans in the first pair."""
    fixed, moving = (
        read_labels(task / "labelsTr" / f"TinyMR_{number}_0000.nii.gz").array for number in ("0006", "0007")
    )
    places = np.rint(np.moveaxis(np.indices(fixed.shape), 0, -1) + displacement).astype(int)
    warped = moving[tuple(np.moveaxis(places.clip(0, np.array(fixed.shape) - 1), -1, 0))]
    return float(
        np.mean(
            [
                2 * ((warped == k) & (fixed == k)).sum() / ((warped == k).sum() + (fixed == k).sum())
                for k in (1, 4)
            ]
        )
    )


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(weightfolders, "WEIGHT_FOLDERS", (tmp_path / "none",))


@pytest.mark.usefixtures("no_weights")
def test_a_task_without_weights_is_registered_all_the_same(
    tiny_task: Path, output: Path, report_of: ReportOf, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert predict(tiny_task, output) == 0
    assert "no weights are shipped for TinyMR: the general method" in caplog.text
    report = report_of(output)
    assert (report.method, report.weights, report.weights_sha256) == ("general", "", "")
    assert [record.status for record in report.pairs] == ["done"] * 3
    u = read_displacement(output / report.pairs[0].file, (32, 48, 40)).displacement
    assert dice_of(tiny_task, u) > dice_of(tiny_task, np.zeros_like(u)) + 0.05
    # The same command does nothing, another setting does all again.
    before = [record.file_sha256 for record in report.pairs]
    assert predict(tiny_task, output, "--method", "general") == 0
    assert [record.file_sha256 for record in report_of(output).pairs] == before


def test_weights_that_do_not_fit_are_said_and_left(
    other_task: Path,
    tiny_bundle: Bundle,
    output: Path,
    tmp_path: Path,
    report_of: ReportOf,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    write_bundle(tmp_path / "OtherCT.safetensors", tiny_bundle)
    monkeypatch.setattr(weightfolders, "WEIGHT_FOLDERS", (tmp_path,))
    assert predict(other_task, output) == 0
    assert "the weights are for other labels" in caplog.text
    assert report_of(output).method == "general"
    assert predict(other_task, tmp_path / "second", "--method", "network") == 4


@pytest.mark.usefixtures("no_weights")
def test_regions_of_the_users_own_take_part(tiny_task: Path, output: Path, report_of: ReportOf) -> None:
    assert predict(tiny_task, output, "--segmentations", tiny_task / "labelsTr") == 0
    u = read_displacement(output / report_of(output).pairs[0].file, (32, 48, 40)).displacement
    assert dice_of(tiny_task, u) > 0.9


def test_weights_lend_their_segmentor_to_the_general_method(
    tiny_task: Path, output: Path, weights: Path, report_of: ReportOf, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert predict(tiny_task, output, "--method", "general", "--weights", weights) == 0
    assert f"the general method with the regions of {weights.name}" in caplog.text
    report = report_of(output)
    assert (report.method, report.weights) == ("general", weights.name)
    before = [record.file_sha256 for record in report.pairs]
    # Without them it is another method: all is done again.
    assert predict(tiny_task, output, "--method", "general") == 0
    assert [record.file_sha256 for record in report_of(output).pairs] != before


def test_a_segmentor_alone_lends_its_regions_too(
    tiny_task: Path,
    tiny_bundle: Bundle,
    output: Path,
    tmp_path: Path,
    report_of: ReportOf,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    segmentor = tmp_path / "segmentor.safetensors"
    write_bundle(segmentor, replace(tiny_bundle, registration={}, text={}))
    assert predict(tiny_task, output, "--weights", segmentor) == 0
    assert "segmentor.safetensors holds a segmentor alone" in caplog.text
    assert (report_of(output).method, report_of(output).weights) == ("general", segmentor.name)
    assert predict(tiny_task, tmp_path / "second", "--weights", segmentor, "--method", "network") == 4


@pytest.mark.usefixtures("no_weights")
def test_segmentations_need_labels(
    tiny_task: Path, output: Path, rewrite_task: RewriteTask, only_error_line: ErrorLine
) -> None:
    rewrite_task(labels={})
    shutil.rmtree(tiny_task / "labelsTr")
    (tiny_task / "own").mkdir()
    assert predict(tiny_task, output, "--segmentations", tiny_task / "own") == 2
    assert "names no labels" in only_error_line()


@pytest.mark.usefixtures("no_weights")
def test_segmentations_number_their_regions_in_bytes(
    tiny_task: Path, output: Path, rewrite_task: RewriteTask, only_error_line: ErrorLine
) -> None:
    rewrite_task(labels={"0": {str(label): f"part {label}" for label in range(1, 257)}})
    assert predict(tiny_task, output, "--segmentations", tiny_task / "labelsTr") == 2
    assert "too many labels for the segmentations" in only_error_line()


def task_of(root: Path, name: str, words: dict[str, str], *numbers: tuple[int, int]) -> Task:
    """A task without images, whose pairs have these modality numbers."""

    def pair(index: int, fixed: int, moving: int) -> dict[str, str]:
        sides = {"fixed": fixed, "moving": moving}
        return {side: f"./imagesTr/{name}_{index:04d}_{number:04d}.nii.gz" for side, number in sides.items()}

    pairs = [pair(index, *both) for index, both in enumerate(numbers)]
    (root / "T_dataset.json").write_text(
        json.dumps({"name": name, "modality": words, "registration_val": pairs})
    )
    return read_task(root)


def choice_for(task: Task) -> Choice:
    return Choice(task, None, shipped_config(task.name), "general")


def general_for(task: Task) -> GeneralRegistration:
    made = choice_for(task).registration(choose_device("cpu"), PROFILES["l2r2022"], task.root)
    assert isinstance(made, GeneralRegistration)
    return made


@pytest.mark.parametrize(
    ("name", "words", "numbers", "kind"),
    [
        ("LungCT", {"0": "CT", "1": "CT"}, (0, 1), "correlation"),
        ("NLST", {"0": "CT"}, (0, 1), "correlation"),
        ("Own", {"0": "CT", "1": "ct"}, (0, 1), "correlation"),
        ("AbdomenMRCT", {"0": "MR T1w", "1": "CT"}, (0, 1), "descriptors"),
        ("Own", {}, (0, 1), "descriptors"),
        ("Own", {"0": "CT"}, (0, 1), "descriptors"),
        ("Own", {}, (1, 1), "correlation"),
    ],
)
def test_words_of_modalities_decide_before_their_numbers(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    name: str,
    words: dict[str, str],
    numbers: tuple[int, int],
    kind: str,
) -> None:
    caplog.set_level(logging.INFO)
    assert general_for(task_of(tmp_path, name, words, numbers)).kind == kind
    told = "MR T1w and CT" if name == "AbdomenMRCT" else "0000 and 0001"
    assert (f"modalities {told}: descriptors" in caplog.text) == (kind == "descriptors")


def test_each_side_has_the_window_of_its_modality(tmp_path: Path) -> None:
    words = {"0": "MR T1w", "1": "CT", "2": "CBCT"}
    fixed, moving = general_for(task_of(tmp_path, "Own", words, (0, 1), (0, 2))).intensities
    assert (fixed.window is None, moving.window is None) == (True, False)
    # In both directions, no window would suit all of one side.
    both = general_for(task_of(tmp_path, "Own", words, (0, 1), (1, 0))).intensities
    assert [one.window for one in both] == [None, None]


def test_other_words_are_another_method(tmp_path: Path) -> None:
    first = choice_for(task_of(tmp_path, "Own", {"0": "CT", "1": "CT"}, (0, 1))).sha256
    second = choice_for(task_of(tmp_path, "Own", {"0": "CT", "1": "MR"}, (0, 1))).sha256
    assert first != second
