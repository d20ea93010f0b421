"""What a task says, and the sources it is read from."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pairs.errors import TaskError
from pairs.tasks.task import Task, label_path, read_task

Image = Callable[..., str]
Entry = Callable[..., dict[str, str]]
Dataset = Callable[..., dict[str, Any]]
Folder = Callable[[Path, object], Path]
Read = Callable[..., Task]


def names(task: Task) -> list[str]:
    return [one.name for one in task.pairs]


def trained(task: Task) -> list[str]:
    return [str(one.id) for one in task.training_subjects()]


def test_regular_task(tmp_path: Path, read: Read) -> None:
    task = read()
    assert (task.name, task.root, task.modality, task.shape) == ("T", tmp_path, "MR", (64, 48, 32))
    assert task.label_names == {1: "head", 2: "tail"}
    assert names(task) == ["0003_0000<--0004_0000"]
    assert task.pairs[0].fixed == tmp_path / "imagesTr" / "T_0003_0000.nii.gz"
    assert task.subjects[0].label == tmp_path / "labelsTr" / "T_0001_0000.nii.gz"
    assert task.warnings == ()


def test_validation_images_inside_training_are_never_trained_on(read: Read) -> None:
    task = read()
    assert [one.id.subject for one in task.subjects] == ["0001", "0002", "0003", "0004"]
    assert trained(task) == ["0001_0000", "0002_0000"]


def test_subject_of_a_pair_is_held_out_in_every_modality(item: Entry, pair: Entry, read: Read) -> None:
    training = {"0": [item(1), item(3)], "1": [item(1, 1), item(3, 1)]}
    task = read(training=training, numTraining=None, registration_val=[pair(3, 2)])
    assert trained(task) == ["0001_0000", "0001_0001"]


def test_unlabelled_subject_is_no_training_subject(image: Image, item: Entry, read: Read) -> None:
    task = read(training=[{"image": image(1)}, item(2)], numTraining=2)
    assert [one.label is None for one in task.subjects] == [True, False]
    assert trained(task) == ["0002_0000"]


def test_other_pair_list_does_not_release_the_own_validation_subjects(
    tmp_path: Path, dataset: Dataset, folder_with: Folder
) -> None:
    (tmp_path / "pairs.csv").write_text("fixed,moving\n1,2\n")
    task = read_task(folder_with(tmp_path, dataset()), pairs_file=tmp_path / "pairs.csv")
    assert names(task) == ["0001_0000<--0002_0000"]
    assert trained(task) == []
    assert task.label_names == {1: "head", 2: "tail"}


def test_missing_images_are_no_fault(tmp_path: Path, read: Read) -> None:
    assert not (tmp_path / "imagesTr").exists()
    assert not read().pairs[0].fixed.exists()


def test_task_travels_to_another_process(read: Read) -> None:
    task = read()
    assert pickle.loads(pickle.dumps(task)) == task


def test_background_is_no_label(read: Read) -> None:
    task = read(labels={"0": {"0": "background", "1": "head"}})
    assert task.label_names == {1: "head"}


def test_label_path() -> None:
    assert label_path(Path("x/imagesTr/T_0001_0000.nii.gz")) == Path("x/labelsTr/T_0001_0000.nii.gz")
    assert label_path(Path("imagesCT/imagesTs/T_0001_0000.nii.gz")) == Path(
        "imagesCT/labelsTs/T_0001_0000.nii.gz"
    )


# Sources


def test_file_as_source_and_pairs_file_from_elsewhere(
    tmp_path: Path, pair: Entry, dataset: Dataset, folder_with: Folder
) -> None:
    root = tmp_path / "task"
    root.mkdir()
    folder_with(root, dataset())
    (tmp_path / "list.json").write_text(json.dumps([pair(1, 2)]))
    task = read_task(root / "T_dataset.json", pairs_file=tmp_path / "list.json")
    assert task.pairs[0].fixed == root / "imagesTr" / "T_0001_0000.nii.gz"


def test_evaluation_config_as_source(tmp_path: Path, pair: Entry) -> None:
    path = tmp_path / "T_VAL_evaluation_config.json"
    methods = [{"name": "LogJacDetStd", "metric": "sdlogj"}]
    path.write_text(
        json.dumps(
            {
                "task_name": "T",
                "evaluation_methods": methods,
                "expected_shape": [8, 6, 4, 3],
                "eval_pairs": [pair(11, 11, (1, 0))],
            }
        )
    )
    task = read_task(path)
    assert (task.name, task.shape, names(task)) == ("T", (8, 6, 4), ["0011_0001<--0011_0000"])


def test_bare_folder_takes_the_pairs_file_for_its_description(tmp_path: Path, dataset: Dataset) -> None:
    root = tmp_path / "input"
    root.mkdir()
    (tmp_path / "LUMIR_dataset.json").write_text(json.dumps(dataset(name="LUMIR")))
    task = read_task(root, pairs_file=tmp_path / "LUMIR_dataset.json")
    assert (task.name, task.root, task.label_names) == ("LUMIR", root, {1: "head", 2: "tail"})
    assert trained(task) == ["0001_0000", "0002_0000"]


def test_ids_of_a_csv_become_the_images_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "imagesTs").mkdir()
    (tmp_path / "imagesTs" / "OASIS_0438_0000.nii.gz").write_bytes(b"")
    (tmp_path / "pairs_val.csv").write_text("fixed, moving\n438, 439\n")
    task = read_task(tmp_path / "pairs_val.csv")
    assert task.pairs[0].fixed == tmp_path / "imagesTs" / "OASIS_0438_0000.nii.gz"
    assert task.pairs[0].moving == tmp_path / "imagesTr" / "OASIS_0439_0000.nii.gz"
    assert names(task) == ["0438_0000<--0439_0000"]


def test_ids_of_a_csv_follow_no_link_out_of_the_task_folder(tmp_path: Path) -> None:
    root = tmp_path / "task"
    (root / "imagesTr").mkdir(parents=True)
    (tmp_path / "secret.nii.gz").write_bytes(b"")
    for number in (438, 439):
        (root / "imagesTr" / f"OASIS_0{number}_0000.nii.gz").symlink_to(tmp_path / "secret.nii.gz")
    (root / "pairs.csv").write_text("fixed,moving\n438,439\n")
    refused = r"line 2, column fixed: symlink leaves .*; the same for 1 more link$"
    with pytest.raises(TaskError, match=refused):
        read_task(root / "pairs.csv")
    assert names(read_task(root / "pairs.csv", follow_links=True)) == ["0438_0000<--0439_0000"]


def test_ids_of_a_csv_take_the_modalities_of_the_task(
    tmp_path: Path, dataset: Dataset, folder_with: Folder
) -> None:
    folder_with(tmp_path, dataset(registration_direction={"fixed": 0, "moving": 1}))
    (tmp_path / "pairs.csv").write_text("fixed,moving\n1,1\n")
    assert names(read_task(tmp_path, pairs_file=tmp_path / "pairs.csv")) == ["0001_0000<--0001_0001"]


def test_two_descriptions_are_ambiguous_and_resource_forks_are_not(
    tmp_path: Path, dataset: Dataset, folder_with: Folder
) -> None:
    folder_with(tmp_path, dataset())
    (tmp_path / "._T_dataset.json").write_bytes(b"\0\5\26\7")
    assert read_task(tmp_path).name == "T"
    (tmp_path / "U_dataset.json").write_text("{}")
    with pytest.raises(TaskError, match=r"T_dataset\.json, U_dataset\.json"):
        read_task(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"registration_direction": {"fixed": 10**300, "moving": 0}},
        {"registration_direction": {"fixed": -1, "moving": 0}},
        {"tensorImageShape": {"0": [10**300, 1, 1]}},
        {"tensorImageShape": {"0": [10**5, 10**5, 10**5]}},
        {"training": [{"image": "imagesTr/" + "a" * 300 + "_0001_0000.nii.gz"}]},
        {"name": "\u00e9" * 101},
        {"name": "\u4e00" * 90},
    ],
)
def test_sizes_that_no_task_has_are_faults(
    tmp_path: Path, dataset: Dataset, folder_with: Folder, change: dict[str, object]
) -> None:
    with pytest.raises(TaskError, match=next(iter(change))):
        read_task(folder_with(tmp_path, dataset(**change)))


def test_missing_source(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="missing"):
        read_task(tmp_path / "none")
    with pytest.raises(TaskError, match="no task found"):
        read_task(tmp_path)


def test_symlinked_images_need_follow_links(
    tmp_path: Path, image: Image, dataset: Dataset, folder_with: Folder
) -> None:
    root = tmp_path / "task"
    (root / "imagesTr").mkdir(parents=True)
    (tmp_path / "annex.nii.gz").write_bytes(b"")
    for number in (3, 4):
        (root / image(number)).symlink_to(tmp_path / "annex.nii.gz")
    folder_with(root, dataset(training=[]))
    with pytest.raises(
        TaskError, match=r"1 fault in .*: 1\) .*symlink leaves .*--follow-links .*; the same for 1 more link$"
    ):
        read_task(root)
    assert len(read_task(root, follow_links=True).pairs) == 1


# Real data


@pytest.mark.parametrize(
    ("name", "pairs", "subjects", "trained_on", "shape", "modality"),
    [
        ("HippocampusMR", 40, 240, 200, (64, 64, 64), "MR"),
        ("AbdomenMRMR", 12, 14, 10, (160, 128, 160), "MR"),
        ("OASIS", 2, 5, 0, (160, 192, 224), "MR"),
        ("AbdomenCTCT", 2, 3, 0, (192, 160, 256), "CT"),
    ],
)
def test_real_tasks(
    shared: Path,
    name: str,
    pairs: int,
    subjects: int,
    trained_on: int,
    shape: tuple[int, int, int],
    modality: str,
) -> None:
    task = read_task(shared / "data" / name)
    assert (task.name, task.shape, task.modality, task.warnings) == (name, shape, modality, ())
    assert (len(task.pairs), len(task.subjects), len(task.training_subjects())) == (
        pairs,
        subjects,
        trained_on,
    )
    assert all(one.fixed.is_file() and one.moving.is_file() for one in task.pairs)
    assert all(label_path(one.image) == one.label for one in task.training_subjects())
    config = read_task(
        shared / "data" / name, pairs_file=shared / "data" / name / f"{name}_VAL_evaluation_config.json"
    )
    assert names(config) == names(task)


def test_real_hippocampus_pairs_follow_the_official_rule(shared: Path) -> None:
    task = read_task(shared / "data" / "HippocampusMR")
    assert task.label_names == {1: "hippocampus head", 2: "hippocampus tail"}
    assert all(int(one.fixed_id.subject) + int(one.moving_id.subject) == 461 for one in task.pairs)
    assert [one.id.subject for one in task.training_subjects()] == [f"{i:04d}" for i in range(1, 201)]


def test_golden_toy_has_a_pair_of_one_image(shared: Path) -> None:
    task = read_task(shared / "golden" / "data")
    assert len(task.pairs) == 3
    assert any("same image" in warning for warning in task.warnings)
    assert sorted(task.label_names) == [1, 2, 3, 4, 5]
