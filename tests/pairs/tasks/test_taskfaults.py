"""All faults of a task are told at once, and what is merely odd is a warning."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pairs.errors import NothingToDo, TaskError
from pairs.tasks.task import Task, read_task

Image = Callable[..., str]
Entry = Callable[..., dict[str, str]]
Dataset = Callable[..., dict[str, Any]]
Folder = Callable[[Path, object], Path]
Read = Callable[..., Task]
Faults = Callable[..., tuple[str, ...]]

IMAGE, LABEL = "./imagesTr/T_0001_0000.nii.gz", "./labelsTr/T_0001_0000.nii.gz"
ITEM = {"image": IMAGE, "label": LABEL}
SECOND = {key: path.replace("_0000.nii", "_0001.nii") for key, path in ITEM.items()}
PAIR = {"fixed": "./imagesTr/T_0003_0000.nii.gz", "moving": "./imagesTr/T_0004_0000.nii.gz"}


def test_duplicate_pair_is_kept_once_with_a_warning(image: Image, pair: Entry, read: Read) -> None:
    again = {"fixed": "imagesTr/T_0003_0000.nii.gz", "moving": image(4, folder="/imagesTr")}
    task = read(registration_val=[pair(3, 4), again], numRegistration_val=2)
    assert len(task.pairs) == 1
    assert "done once" in task.warnings[0]


def test_fixed_equal_to_moving_is_a_warning(pair: Entry, read: Read) -> None:
    task = read(registration_val=[pair(3, 3)])
    assert len(task.pairs) == 1
    assert "same image" in task.warnings[0]


def test_two_pairs_with_one_output_name_are_a_fault(image: Image, pair: Entry, faults: Faults) -> None:
    other = {"fixed": image(3, folder="./imagesTs"), "moving": image(4)}
    (fault,) = faults(registration_val=[pair(3, 4), other])
    assert "share one output name" in fault
    assert "0003_0000<--0004_0000" in fault


@pytest.mark.parametrize("pairs", [[], None])
def test_empty_pair_list_is_nothing_to_do(read: Read, pairs: list[object] | None) -> None:
    with pytest.raises(NothingToDo):
        read(registration_val=pairs)


def test_unknown_key_is_a_warning(item: Entry, read: Read) -> None:
    training = [{**item(1), "scanner": "x"}]
    task = read(contact="x", training=training, numTraining=1)
    assert task.warnings == ("unknown key 'contact' ignored", "unknown key 'scanner' in image lists ignored")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": 3}, "name"),
        ({"name": "../T"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"modality": ["MR"]}, "modality"),
        ({"modality": {"mr": "MR"}}, "modality.mr"),
        ({"labels": {"0": ["head"]}}, "labels.0"),
        ({"labels": {"0": {"head": "1"}}}, "labels.0.head"),
        ({"labels": {"0": {"1": 1}}}, "labels.0.1"),
        ({"labels": {"0": {"9999999999": "x"}}}, "labels.0.9999999999"),
        ({"registration_direction": {"fixed": "0"}}, "registration_direction.fixed"),
        ({"tensorImageShape": {"0": [64, 64]}}, "tensorImageShape.0"),
        ({"tensorImageShape": {"0": [64, 64, 0]}}, "tensorImageShape.0[2]"),
        ({"training": "imagesTr"}, "training"),
        ({"training": [ITEM, "x"]}, "training[1]"),
        ({"training": [{"label": "x"}]}, "training[0].image"),
        ({"training": {"1": [SECOND, {"image": 1}]}}, "training.1[1].image"),
        ({"training": [{"image": "../T_0001_0000.nii.gz"}]}, "training[0]"),
        ({"training": [{"image": IMAGE, "label": "../T_0001_0000.nii.gz"}]}, "training[0]"),
        ({"training_paired_images": [{"0": 1}]}, "training_paired_images[0].0"),
        ({"training_paired_images": [{"0": "/etc/T_0001_0000.nii.gz"}]}, "training_paired_images[0].0"),
        ({"registration_val": {"fixed": "x"}}, "registration_val"),
        ({"registration_val": [PAIR, {"fixed": IMAGE}]}, "registration_val[1].moving"),
        ({"registration_val": [PAIR, [1, 2]]}, "registration_val[1]"),
    ],
)
def test_fault_names_its_field(faults: Faults, changes: dict[str, object], where: str) -> None:
    found = faults(**changes)
    assert [fault.split(": ")[0].removesuffix(".[key]") for fault in found] == [where]


def test_all_faults_are_told_at_once(image: Image, faults: Faults) -> None:
    found = faults(
        tensorImageShape={"0": [1]},
        training=[{"image": "~/T_0001_0000.nii.gz"}, 5],
        registration_val=[
            {"fixed": "../T_0001_0000.nii.gz", "moving": "C:\\T_0002_0000.nii.gz"},
            {"fixed": "./imagesTr/brain.nii.gz", "moving": image(4)},
            {"fixed": 1, "moving": image(4)},
        ],
    )
    places = sorted(fault.split(":")[0] for fault in found)
    assert places == [
        "registration_val[0].fixed",
        "registration_val[0].moving",
        "registration_val[1].fixed",
        "registration_val[2].fixed",
        "tensorImageShape.0",
        "training[0]",
        "training[1]",
    ]


def test_faults_of_the_task_are_told_also_with_another_pair_list(
    tmp_path: Path, dataset: Dataset, folder_with: Folder
) -> None:
    (tmp_path / "pairs.csv").write_text("fixed,moving\n1\n../T_0001_0000.nii.gz,2\n")
    folder_with(tmp_path, dataset(labels="none"))
    with pytest.raises(TaskError) as caught:
        read_task(tmp_path, pairs_file=tmp_path / "pairs.csv")
    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "labels",
        "line 2, column moving",
        "line 3, column fixed",
    ]


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 9)
    | st.sampled_from(["", "0", "x", "../x", IMAGE, "./imagesTr/T_0002_0000.nii.gz"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["0", "fixed", "moving", "image"]), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), value=JSON_VALUES)
def test_any_value_under_any_key_gives_a_task_or_a_known_error(
    tmp_path: Path, dataset: Dataset, folder_with: Folder, data: st.DataObject, value: object
) -> None:
    key = data.draw(st.sampled_from(sorted(dataset())), label="key")
    document = {**dataset(), key: value}
    try:
        task = read_task(folder_with(tmp_path, document))
    except (TaskError, NothingToDo):
        return
    assert task.pairs
    assert not {one.id.subject for one in task.training_subjects()} & {
        id_.subject for one in task.pairs for id_ in (one.fixed_id, one.moving_id)
    }
