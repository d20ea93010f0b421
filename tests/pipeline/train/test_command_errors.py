"""`train` with wrong arguments or files: one line, an exit code, and no training."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import TaskConfig
from textscf.program import main

__all__: list[str] = []

Train = Callable[..., int]


@pytest.mark.parametrize(
    ("code", "sentence", "more"),
    [
        (2, "--steps", ("--steps", "0")),
        (2, "--steps", ("--steps", "-3")),
        (2, "task folder or file is missing", ("--task", "/absent")),
        (2, "cannot read the configuration", ("--config", "/absent")),
        (4, "/absent", ("--segmentor", "/absent")),
        (4, "/absent", ("--embedding", "/absent")),
    ],
)
def test_wrong_arguments_end_with_one_line(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str], code: int, sentence: str, more: tuple
) -> None:
    assert train("registration", tmp_path / "a.safetensors", *more) == code
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert sentence in errors[0]
    assert not (tmp_path / "a.safetensors").exists()


def test_an_output_that_is_a_folder_is_noticed_before_the_training(train: Train, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert train("segmentor", tmp_path / "folder", "--steps", "1000000") == 5


@pytest.mark.parametrize(("option", "remedy"), [("--segmentor", "train one first"), ("--embedding", "embed")])
def test_what_registration_needs_is_asked_for(
    tiny_task: Path,
    config: Path,
    segmentor: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    option: str,
    remedy: str,
) -> None:
    arguments = ["train", "registration", "--task", tiny_task, "--config", config, "--out", tmp_path / "a"]
    arguments += [] if option == "--segmentor" else ["--segmentor", segmentor]
    assert main([str(argument) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert option in error
    assert remedy in error


def test_a_segmentor_of_other_intensities_cannot_go_into_the_same_bundle(
    train: Train, tiny_config: TaskConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tiny_config.model_dump(mode="json")
    document["intensity"]["high"] = 90
    path = tmp_path / "other.json"
    path.write_text(json.dumps(document))
    assert train("registration", tmp_path / "a.safetensors", "--config", path) == 4
    assert "another configuration of 'intensity'" in capsys.readouterr().err


def test_too_few_subjects(train: Train, tiny_task: Path, tmp_path: Path) -> None:
    dataset = tiny_task / "TinyMR_dataset.json"
    document = json.loads(dataset.read_text())
    document["training"] = document["training"][:3]
    dataset.write_text(json.dumps(document))
    assert train("segmentor", tmp_path / "a.safetensors") == 2


def test_subjects_without_files_end_with_one_line(
    train: Train, tiny_task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(tiny_task / "labelsTr")
    assert train("segmentor", tmp_path / "a.safetensors") == 1
    assert "Traceback" not in capsys.readouterr().err
