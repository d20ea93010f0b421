"""The demo task: complete, readable by the rest of the program, honest, and never over a real task."""

import json
from pathlib import Path

import pytest

from pairs.errors import UsageError
from pairs.images.grid import require_same_grid
from pairs.images.volume import read_image, read_labels
from pairs.tasks.evaluation_config import read_evaluation_config
from pairs.tasks.task import label_path, read_task
from textscf.program import main

__all__: list[str] = []

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "task"
    assert main(["demo-task", str(folder), "--subjects", "3"]) == 0
    return folder


def test_the_task_reads_without_a_warning(folder: Path) -> None:
    task = read_task(folder)
    assert (task.name, task.modality, task.shape) == ("HippocampusMR", "MR", (64, 64, 64))
    assert task.label_names == {1: "hippocampus head", 2: "hippocampus tail"}
    assert task.warnings == ()
    assert [pair.name for pair in task.pairs] == [
        "9001_0000<--9002_0000",
        "9002_0000<--9003_0000",
        "9003_0000<--9001_0000",
    ]


def test_images_and_labels_share_a_grid_of_one_millimetre(folder: Path) -> None:
    for pair in read_task(folder).pairs:
        image, labels = read_image(pair.fixed), read_labels(label_path(pair.fixed))
        require_same_grid(image.header, labels.header)
        assert image.header.spacing_mm == (1, 1, 1)
        assert (image.header.warnings, labels.header.warnings) == ((), ())


def test_the_configuration_is_that_of_the_real_task(folder: Path) -> None:
    config = read_evaluation_config(folder / "HippocampusMR_VAL_evaluation_config.json")
    assert [method.metric for method in config.methods] == ["sdlogj", "dice", "hd95"]
    assert config.expected_shape == (64, 64, 64)
    assert len(config.eval_pairs) == 3
    assert config.warnings == ()


def test_the_description_says_that_nothing_is_a_scan(folder: Path) -> None:
    document = json.loads((folder / "HippocampusMR_dataset.json").read_text(encoding="utf-8"))
    assert "DRAWN from a population template" in document["description"]
    assert "No image in this folder is a scan of a patient" in document["description"]
    assert document["licence"] == "CC BY-SA 4.0"
    assert "Nat. Commun. 13, 4128, 2022" in document["reference"]


def test_a_second_run_gives_the_same_bytes(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    assert main(["demo-task", str(folder), "--subjects", "3"]) == 0
    assert {path: path.read_bytes() for path in files} == before
    assert len(files) == 8


@pytest.mark.parametrize("content", ['{"name": "HippocampusMR", "release": "1.0"}', "[]", "not JSON"])
def test_another_task_is_never_written_over(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "HippocampusMR_dataset.json"
    document.write_text(content)
    assert main(["demo-task", str(tmp_path)]) == UsageError.exit_code
    assert "the folder holds another task" in capsys.readouterr().err
    assert document.read_text() == content
    assert list(tmp_path.iterdir()) == [document]


@pytest.mark.parametrize("arguments", [("--subjects", "1"), ("--subjects", "1000"), ("--seed", "-1")])
def test_numbers_out_of_range_are_named(
    tmp_path: Path, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo-task", str(tmp_path / "task"), *arguments]) == UsageError.exit_code
    assert arguments[0] in capsys.readouterr().err
    assert not (tmp_path / "task").exists()


def test_a_missing_template_exits_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo-task", str(tmp_path / "task"), "--template", str(tmp_path / "none")]) == 4
    assert "no such file" in capsys.readouterr().err


def test_an_unwritable_folder_exits_5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["demo-task", str(tmp_path / "file" / "task")]) == 5
    assert "output folder is not a folder" in capsys.readouterr().err
