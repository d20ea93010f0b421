"""Every irregularity of the real dataset files is read."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pairs.tasks.task import Task, read_task

Image = Callable[..., str]
Entry = Callable[..., dict[str, str]]
Folder = Callable[[Path, object], Path]
Read = Callable[..., Task]
Faults = Callable[..., tuple[str, ...]]


def names(task: Task) -> list[str]:
    return [one.name for one in task.pairs]


def test_training_keyed_by_modality(item: Entry, read: Read) -> None:
    changes = {"training": {"0": [item(1), item(2)], "1": [item(1, 1)]}, "numTraining": {"0": 2, "1": 1}}
    task = read(**changes)
    assert [str(one.id) for one in task.subjects] == ["0001_0000", "0002_0000", "0001_0001"]
    assert task.warnings == ()


def test_num_training_absent(read: Read) -> None:
    assert read(numTraining=None).warnings == ()


def test_paired_images_with_modality_keys_and_leading_slashes(image: Image, read: Read) -> None:
    entries = [{str(m): image(1, m, folder="/imagesTr") for m in range(3)}, {"0": image(2), "1": image(2, 1)}]
    task = read(training_paired_images=entries, numPairedTraining=2)
    assert task.warnings == ()


def test_paired_images_with_fixed_and_moving(pair: Entry, read: Read) -> None:
    task = read(training_paired_images=[pair(1, 1, (0, 1))], numPairedTraining=1)
    assert task.warnings == ()


def test_leading_slash_means_the_task_folder(tmp_path: Path, image: Image, read: Read) -> None:
    entry = {"fixed": image(3, folder="/imagesTr"), "moving": image(4, folder="/imagesTr")}
    task = read(registration_val=[entry])
    assert task.pairs[0].fixed == tmp_path / "imagesTr" / "T_0003_0000.nii.gz"


def test_any_other_absolute_path_is_refused(image: Image, faults: Faults) -> None:
    entry = {"fixed": "/etc/T_0003_0000.nii.gz", "moving": image(4)}
    assert "absolute path" in faults(registration_val=[entry])[0]


def test_wrong_name_in_training_lists_is_a_warning(image: Image, item: Entry, read: Read) -> None:
    wrong = "./imagesTr/AbdomenMRCT_TCIA0008_0000.nii.gz"
    training = [item(1), {"image": wrong, "label": wrong}]
    entries = [{"0": wrong, "1": image(8, 1)}]
    changes = {
        "training": training,
        "numTraining": 2,
        "training_paired_images": entries,
        "numPairedTraining": 1,
    }
    task = read(**changes)
    assert [str(one.id) for one in task.subjects] == ["0001_0000"]
    assert ["training[1]" in task.warnings[0], "training_paired_images[0].0" in task.warnings[1]] == [
        True,
        True,
    ]
    assert len(task.warnings) == 2


def test_wrong_name_in_a_pair_is_a_fault(image: Image, faults: Faults) -> None:
    entry = {"fixed": "./imagesTr/AbdomenMRCT_TCIA0008_0000.nii.gz", "moving": image(4)}
    (fault,) = faults(registration_val=[entry])
    assert fault.startswith("registration_val[0].fixed")
    assert "TCIA0008" in fault


def test_points_named_nii_and_csv_without_its_dot(image: Image, item: Entry, read: Read) -> None:
    first = {**item(1), "keypoints": image(1, folder="./keypointsTr")}
    second = {**item(2), "landmarks": "./landmarksTr/T_0002_0002csv"}
    third = {
        **item(3),
        "landmarks": "./landmarksTr/T_0003_0002.csv",
        "keypoints01": "./keypoints01Tr/T_0003_0000.csv",
    }
    task = read(training=[first, second, third], numTraining=3)
    assert len(task.subjects) == 3
    assert ["'keypoints'" in task.warnings[0], "'landmarks'" in task.warnings[1]] == [True, True]
    assert len(task.warnings) == 2


@pytest.mark.parametrize("labels", [{}, {"0": {}}, None])
def test_labels_empty(read: Read, labels: object) -> None:
    task = read(labels=labels)
    assert task.label_names == {}
    assert [str(one.id) for one in task.training_subjects()] == ["0001_0000", "0002_0000"]


def test_fixed_image_with_several_movings(pair: Entry, read: Read) -> None:
    task = read(registration_val=[pair(3, 4), pair(3, 2)], numRegistration_val=2)
    assert names(task) == ["0003_0000<--0004_0000", "0003_0000<--0002_0000"]
    assert task.warnings == ()


def test_pair_of_one_subject_in_two_modalities(pair: Entry, read: Read) -> None:
    task = read(registration_val=[pair(6, 6, (0, 1))])
    assert names(task) == ["0006_0000<--0006_0001"]
    assert task.warnings == ()


def test_pairs_that_differ_in_modality_alone_are_warned_of_for_short_names(pair: Entry, read: Read) -> None:
    pairs = [pair(11, 11, (1, 0)), pair(11, 11, (2, 0))]
    task = read(registration_val=pairs, numRegistration_val=2)
    assert len(task.pairs) == 2
    assert task.warnings == (
        "0011_0001<--0011_0000 and 0011_0002<--0011_0000 share the short file name disp_0011_0011",
    )


@pytest.mark.parametrize(
    "key",
    [
        "numTraining",
        "numTest",
        "numPairedTraining",
        "numPairedTest",
        "numRegistration_val",
        "numRegistration_test",
    ],
)
def test_counter_that_differs_is_a_warning_and_the_list_is_trusted(read: Read, key: str) -> None:
    task = read(**{key: 99})
    assert [warning.startswith(f"{key} is 99") for warning in task.warnings] == [True]
    assert (len(task.pairs), len(task.subjects)) == (1, 4)


def test_thorax_keys_are_known(read: Read) -> None:
    assert read(img_shift={"fixed": "followup", "moving": "baseline"}).warnings == ()


def test_lumir_task(tmp_path: Path, image: Image, folder_with: Folder) -> None:
    def path(number: int, folder: str) -> str:
        return image(number, folder=folder, name="LUMIRMRI")

    document = {
        "name": "LUMIR",
        "training": [{"image": path(1, "./imagesTr")}],
        "validation": [{"fixed": path(3455, "./imagesVal"), "moving": path(3454, "./imagesVal")}],
    }
    task = read_task(folder_with(tmp_path, document))
    assert names(task) == ["3455_0000<--3454_0000"]
    assert task.training_subjects() == ()
    assert (task.label_names, task.modality, task.shape) == ({}, "", None)


def test_psmareg_task(tmp_path: Path, folder_with: Folder) -> None:
    def visit(subject: int, number: int) -> str:
        return f"./imagesVal/PSMARegPSMA_{subject:04d}_0000_{number:02d}.nii.gz"

    entries = [
        {"subject": f"{s}", "Baseline CT": visit(s, 0), "Follow-up 01 CT": visit(s, 1)} for s in (1, 3)
    ]
    document = {
        "name": "PSMAReg",
        "modality": {"0000": "CT"},
        "target_shape": [4, 4, 6],
        "validation_paired": entries,
    }
    task = read_task(folder_with(tmp_path, document))
    assert task.pairs[0].moving == tmp_path / "imagesVal" / "PSMARegPSMA_0001_0000_01.nii.gz"
    assert names(task) == ["0001_0000_00<--0001_0000_01", "0003_0000_00<--0003_0000_01"]
    assert (task.modality, task.shape) == ("CT", (4, 4, 6))


@pytest.mark.parametrize(
    "labels",
    [
        {"0": "background", "1": "head", "2": "tail"},
        {"background": 0, "head": 1, "tail": 2},
        {"0": {"1": "head", "2": "tail"}},
    ],
)
def test_labels_of_other_challenges_are_read(read: Read, labels: object) -> None:
    assert read(labels=labels).label_names == {1: "head", 2: "tail"}


@pytest.mark.parametrize(
    "changes",
    [
        {"numTraining": "4"},
        {"numTraining": {"0": "2", "1": 2}},
        {"licence": ["CC BY"]},
        {"reference": None},
        {"provided_data": "images"},
        {"tensorImageSize": "3D"},
        {"img_shift": 1},
    ],
)
def test_metadata_that_nothing_uses_may_have_any_form(read: Read, changes: dict[str, object]) -> None:
    assert read(**changes).warnings == read().warnings


@pytest.mark.parametrize(("count", "told"), [("four", "'four'"), (["4"], "['4']"), (4.5, "4.5")])
def test_a_counter_that_is_no_number_is_told(read: Read, count: object, told: str) -> None:
    (warning,) = set(read(numTraining=count).warnings) - set(read().warnings)
    assert warning.startswith(f"numTraining is {told} and training has")


def test_faults_are_told_in_plain_words(faults: Callable[..., tuple[str, ...]]) -> None:
    found = faults(labels={"0": "x", "1": {"2": "y"}}, registration_val=[{"fixed": 3}], modality=["MR"])
    assert found == (
        "modality: expected an object {...}; got ['MR']",
        "labels.0: expected an object {...}; got 'x'",
        "registration_val[0].fixed: expected text; got 3",
        "registration_val[0].moving: is missing",
    )


def test_of_many_images_without_identifiers_the_first_are_told(read: Read, item: Entry) -> None:
    wrong = [{"image": f"./imagesTr/hippocampus_{number:03d}.nii.gz"} for number in range(20)]
    told = read(training=[item(1), *wrong], numTraining=21).warnings
    assert len(told) == 4
    assert "hippocampus_000.nii.gz" in told[0]
    assert told[3] == "17 more images have no identifiers in their names; not used"
