"""What is one folder away from where a task was looked for is told, with what to type."""

import json
import os
from pathlib import Path

import pytest

from pairs.errors import NothingToDo, TaskError
from pairs.tasks.nearby import missing_images_hint
from pairs.tasks.task import read_task

__all__: list[str] = []

PAIR = {"fixed": "./imagesTr/T_0001_0000.nii.gz", "moving": "./imagesTr/T_0002_0000.nii.gz"}


def write_json(folder: Path, name: str = "T_dataset.json", **changes: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps({"name": "T", "registration_val": [PAIR], **changes}))
    return folder


def write_images(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in PAIR.values():
        (folder / Path(path).name).touch()


def told(source: Path) -> str:
    with pytest.raises(TaskError) as caught:
        read_task(source)
    return str(caught.value)


def test_no_name_is_corrected_to_itself(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.json")
    assert "got a named pipe" in told(tmp_path / "p.json")
    (tmp_path / "q.json").symlink_to(tmp_path / "nowhere")
    assert "did you mean" not in told(tmp_path / "q.json").replace(f"did you mean {tmp_path / 'p.json'}", "")


def test_the_folder_of_images_in_place_of_the_task(tmp_path: Path) -> None:
    root = write_json(tmp_path / "T")
    write_images(root / "imagesTr")
    assert told(root / "imagesTr").endswith(f"give the task folder that it lies in: {root}")
    # Also where an official list names some of them.
    for number in (211, 250):
        (root / "imagesTr" / f"HippocampusMR_{number:04d}_0000.nii.gz").touch()
    assert "give the task folder that it lies in" in told(root / "imagesTr")
    (tmp_path / "pairs.csv").write_text("fixed,moving\n1,2\n")
    assert len(read_task(root / "imagesTr", pairs_file=tmp_path / "pairs.csv").pairs) == 1


def test_one_folder_too_high(tmp_path: Path) -> None:
    root = write_json(tmp_path / "T")
    assert told(tmp_path).endswith(f"one folder down are tasks: give {root}")
    write_images(tmp_path / "U" / "V" / "imagesTr")
    assert told(tmp_path / "U").endswith(f"one folder down are images: give {tmp_path / 'U' / 'V'}")


def test_one_folder_too_deep(tmp_path: Path) -> None:
    root = write_json(tmp_path / "T")
    (root / "labelsTr").mkdir()
    assert told(root / "labelsTr").endswith(f"T_dataset.json lies one folder up: give {root}")
    write_images(root / "data" / "imagesTr")
    assert told(root / "data").endswith(
        "T_dataset.json lies one folder up: move it here, or give it with --pairs"
    )


def test_an_official_list_is_taken_for_no_folder_of_a_task_and_not_in_silence(tmp_path: Path) -> None:
    """Label maps have the names of the images that official lists name."""
    root = tmp_path / "T"
    for folder in ("labelsTr", "masksTr", "inner/imagesTr"):
        (root / folder).mkdir(parents=True)
        for number in (211, 250):
            (root / folder / f"HippocampusMR_{number:04d}_0000.nii.gz").touch()
    for folder in ("labelsTr", "masksTr"):
        assert told(root / folder).endswith(f"give the task folder that it lies in: {root}")
    write_json(root)
    for folder in ("labelsTr", "masksTr"):
        assert told(root / folder).endswith(f"T_dataset.json lies one folder up: give {root}")
    warnings = read_task(root / "inner").warnings
    assert "the official 2022 validation list of HippocampusMR is used" in warnings[0]
    assert warnings[1] == "T_dataset.json lies one folder up: give it with --pairs for its pairs"
    (tmp_path / "pairs.csv").write_text("fixed,moving\n211,250\n")
    given = read_task(root / "inner", pairs_file=tmp_path / "pairs.csv")
    assert len(given.pairs) == 1
    assert warnings[1] not in given.warnings


def test_images_without_a_description(tmp_path: Path) -> None:
    write_images(tmp_path / "T" / "imagesTr")
    assert told(tmp_path / "T").endswith("give a list of their pairs with --pairs")
    (tmp_path / "empty").mkdir()
    assert "give the folder that holds the dataset JSON" in told(tmp_path / "empty")


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    write_json(tmp_path / "HippocampusMR")
    assert told(tmp_path / "HipocampusMR").endswith(f"did you mean {tmp_path / 'HippocampusMR'}?")
    assert told(tmp_path / "HippocampusMR" / "x").endswith(f"give {tmp_path / 'HippocampusMR'}")


@pytest.mark.parametrize(
    ("json_in", "images_in", "sentence"),
    [
        (
            ".",
            "imagesTs",
            "lies in {0}/imagesTs: rename that folder to imagesTr, or write imagesTs in",
        ),
        (".", "T/imagesTr", "give {0}/T as the task folder, and this list with --pairs"),
        ("docs", "imagesTr", "they lie one folder up, in {0}: give that folder"),
    ],
)
def test_images_one_folder_away_from_the_list(
    tmp_path: Path, json_in: str, images_in: str, sentence: str
) -> None:
    root = write_json(tmp_path / json_in)
    write_images(tmp_path / images_in)
    (warning,) = read_task(root).warnings
    assert sentence.format(tmp_path) in warning


def test_the_list_of_another_task_is_told(tmp_path: Path) -> None:
    root = write_json(tmp_path / "T")
    write_images(root / "imagesTr")
    assert read_task(root).warnings == ()
    (tmp_path / "pairs.csv").write_text("fixed,moving\n438,439\n")
    (warning,) = read_task(root, pairs_file=tmp_path / "pairs.csv").warnings
    assert "none of the 2 images" in warning
    assert "is the list that of another task or edition?" in warning


def test_label_maps_alone_are_no_reason_to_warn(tmp_path: Path) -> None:
    root = write_json(tmp_path / "T")
    write_images(root / "labelsTr")
    write_images(root / "imagesTs")
    assert missing_images_hint(root, read_task(root).pairs) is None


def test_a_decathlon_folder_is_a_task_without_pairs(tmp_path: Path) -> None:
    entry = {"image": "./imagesTr/hippocampus_001.nii.gz", "label": "./labelsTr/hippocampus_001.nii.gz"}
    changes = {"training": [entry], "test": ["./imagesTs/hippocampus_002.nii.gz"], "registration_val": []}
    labels = {"0": "background", "1": "Anterior", "2": "Posterior"}
    root = write_json(
        tmp_path, "dataset.json", **changes, labels=labels, tensorImageSize="3D", modality={"0": "MRI"}
    )
    with pytest.raises(NothingToDo, match=r"no pairs to register.*give a list of pairs with --pairs"):
        read_task(root)
    write_images(root / "imagesTr")
    (tmp_path / "pairs.csv").write_text("fixed,moving\n1,2\n")
    task = read_task(root, pairs_file=tmp_path / "pairs.csv")
    assert task.label_names == {1: "Anterior", 2: "Posterior"}
    assert [pair.name for pair in task.pairs] == ["0001_0000<--0002_0000"]


def test_a_pipe_in_place_of_the_task_is_told_as_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.json")
    sentence = told(tmp_path / "p.json")
    assert sentence.startswith("not a regular file: ")
    assert sentence.endswith("p.json; got a named pipe")
