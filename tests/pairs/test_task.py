"""Tasks are read with every irregularity of the real files, and all faults of a task are told at once."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pairs.errors import NothingToDo, TaskError
from pairs.task import Task, label_path, read_task


def image(subject: int, modality: int = 0, *, folder: str = "./imagesTr", name: str = "T") -> str:
    return f"{folder}/{name}_{subject:04d}_{modality:04d}.nii.gz"


def pair(fixed: int, moving: int, modalities: tuple[int, int] = (0, 0)) -> dict[str, str]:
    return {"fixed": image(fixed, modalities[0]), "moving": image(moving, modalities[1])}


def item(subject: int, modality: int = 0) -> dict[str, str]:
    return {"image": image(subject, modality), "label": image(subject, modality, folder="./labelsTr")}


def dataset(**changes: object) -> dict[str, Any]:
    """A dataset JSON as of 2022; a change to None leaves the key out."""
    document: dict[str, Any] = {
        "name": "T",
        "release": "1.0",
        "description": "",
        "licence": "",
        "reference": "",
        "pairings": "unpaired",
        "provided_data": {"0": ["image", "label"]},
        "registration_direction": {"fixed": 0, "moving": 0},
        "modality": {"0": "MR"},
        "labels": {"0": {"1": "head", "2": "tail"}},
        "tensorImageSize": {"0": "3D"},
        "tensorImageShape": {"0": [64, 48, 32]},
        "numTraining": 4,
        "numTest": 0,
        "numPairedTraining": 0,
        "numPairedTest": 0,
        "numRegistration_val": 1,
        "numRegistration_test": 0,
        "training": [item(1), item(2), item(3), item(4)],
        "test": [],
        "training_paired_images": [],
        "test_paired_images": [],
        "registration_val": [pair(3, 4)],
        "registration_test": [],
    }
    return {key: value for key, value in {**document, **changes}.items() if value is not None}


def folder_with(root: Path, document: object) -> Path:
    (root / "T_dataset.json").write_text(json.dumps(document))
    return root


def read(root: Path, document: object) -> Task:
    return read_task(folder_with(root, document))


def faults(root: Path, document: object) -> tuple[str, ...]:
    with pytest.raises(TaskError) as caught:
        read(root, document)
    assert str(caught.value).isprintable()
    return caught.value.faults


def names(task: Task) -> list[str]:
    return [one.name for one in task.pairs]


def trained(task: Task) -> list[str]:
    return [str(one.id) for one in task.training_subjects()]


# What a task says


def test_regular_task(tmp_path: Path) -> None:
    task = read(tmp_path, dataset())
    assert (task.name, task.root, task.modality, task.shape) == ("T", tmp_path, "MR", (64, 48, 32))
    assert task.label_names == {1: "head", 2: "tail"}
    assert names(task) == ["0003_0000<--0004_0000"]
    assert task.pairs[0].fixed == tmp_path / "imagesTr" / "T_0003_0000.nii.gz"
    assert task.subjects[0].label == tmp_path / "labelsTr" / "T_0001_0000.nii.gz"
    assert task.warnings == ()


def test_validation_images_inside_training_are_never_trained_on(tmp_path: Path) -> None:
    task = read(tmp_path, dataset())
    assert [one.id.subject for one in task.subjects] == ["0001", "0002", "0003", "0004"]
    assert trained(task) == ["0001_0000", "0002_0000"]


def test_subject_of_a_pair_is_held_out_in_every_modality(tmp_path: Path) -> None:
    training = {"0": [item(1), item(3)], "1": [item(1, 1), item(3, 1)]}
    task = read(tmp_path, dataset(training=training, numTraining=None, registration_val=[pair(3, 2)]))
    assert trained(task) == ["0001_0000", "0001_0001"]


def test_unlabelled_subject_is_no_training_subject(tmp_path: Path) -> None:
    task = read(tmp_path, dataset(training=[{"image": image(1)}, item(2)], numTraining=2))
    assert [one.label is None for one in task.subjects] == [True, False]
    assert trained(task) == ["0002_0000"]


def test_other_pair_list_does_not_release_the_own_validation_subjects(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("fixed,moving\n1,2\n")
    task = read_task(folder_with(tmp_path, dataset()), pairs_file=tmp_path / "pairs.csv")
    assert names(task) == ["0001_0000<--0002_0000"]
    assert trained(task) == []
    assert task.label_names == {1: "head", 2: "tail"}


def test_missing_images_are_no_fault(tmp_path: Path) -> None:
    assert not (tmp_path / "imagesTr").exists()
    assert not read(tmp_path, dataset()).pairs[0].fixed.exists()


def test_task_travels_to_another_process(tmp_path: Path) -> None:
    task = read(tmp_path, dataset())
    assert pickle.loads(pickle.dumps(task)) == task


@pytest.mark.parametrize("word", ["MR", "CT", "MR T1w", "MR FLAIR"])
def test_modality_is_the_word_of_the_fixed_image(tmp_path: Path, word: str) -> None:
    changes = {"registration_direction": {"fixed": 1, "moving": 0}, "modality": {"0": "US", "1": word}}
    labels = {"0": {"1": "wrong"}, "1": {"3": "right"}}
    task = read(tmp_path, dataset(labels=labels, registration_val=[pair(3, 3, (1, 0))], **changes))
    assert task.modality == word
    assert task.label_names == {3: "right"}


def test_without_direction_the_first_pair_decides(tmp_path: Path) -> None:
    changes = {"registration_direction": None, "modality": {"0": "US", "1": "CT"}}
    assert read(tmp_path, dataset(registration_val=[pair(3, 3, (1, 0))], **changes)).modality == "CT"


def test_background_is_no_label(tmp_path: Path) -> None:
    task = read(tmp_path, dataset(labels={"0": {"0": "background", "1": "head"}}))
    assert task.label_names == {1: "head"}


def test_label_path() -> None:
    assert label_path(Path("x/imagesTr/T_0001_0000.nii.gz")) == Path("x/labelsTr/T_0001_0000.nii.gz")
    assert label_path(Path("imagesCT/imagesTs/T_0001_0000.nii.gz")) == Path(
        "imagesCT/labelsTs/T_0001_0000.nii.gz"
    )


# Irregularities of the real files (facts/learn2reg.md 1.4)


def test_training_keyed_by_modality(tmp_path: Path) -> None:
    changes = {"training": {"0": [item(1), item(2)], "1": [item(1, 1)]}, "numTraining": {"0": 2, "1": 1}}
    task = read(tmp_path, dataset(**changes))
    assert [str(one.id) for one in task.subjects] == ["0001_0000", "0002_0000", "0001_0001"]
    assert task.warnings == ()


def test_num_training_absent(tmp_path: Path) -> None:
    assert read(tmp_path, dataset(numTraining=None)).warnings == ()


def test_paired_images_with_modality_keys_and_leading_slashes(tmp_path: Path) -> None:
    entries = [{str(m): image(1, m, folder="/imagesTr") for m in range(3)}, {"0": image(2), "1": image(2, 1)}]
    task = read(tmp_path, dataset(training_paired_images=entries, numPairedTraining=2))
    assert task.warnings == ()


def test_paired_images_with_fixed_and_moving(tmp_path: Path) -> None:
    task = read(tmp_path, dataset(training_paired_images=[pair(1, 1, (0, 1))], numPairedTraining=1))
    assert task.warnings == ()


def test_leading_slash_means_the_task_folder(tmp_path: Path) -> None:
    entry = {"fixed": image(3, folder="/imagesTr"), "moving": image(4, folder="/imagesTr")}
    task = read(tmp_path, dataset(registration_val=[entry]))
    assert task.pairs[0].fixed == tmp_path / "imagesTr" / "T_0003_0000.nii.gz"


def test_any_other_absolute_path_is_refused(tmp_path: Path) -> None:
    entry = {"fixed": "/etc/T_0003_0000.nii.gz", "moving": image(4)}
    assert "absolute path" in faults(tmp_path, dataset(registration_val=[entry]))[0]


def test_wrong_name_in_training_lists_is_a_warning(tmp_path: Path) -> None:
    wrong = "./imagesTr/AbdomenMRCT_TCIA0008_0000.nii.gz"
    training = [item(1), {"image": wrong, "label": wrong}]
    entries = [{"0": wrong, "1": image(8, 1)}]
    changes = {
        "training": training,
        "numTraining": 2,
        "training_paired_images": entries,
        "numPairedTraining": 1,
    }
    task = read(tmp_path, dataset(**changes))
    assert [str(one.id) for one in task.subjects] == ["0001_0000"]
    assert ["training[1]" in task.warnings[0], "training_paired_images[0].0" in task.warnings[1]] == [
        True,
        True,
    ]
    assert len(task.warnings) == 2


def test_wrong_name_in_a_pair_is_a_fault(tmp_path: Path) -> None:
    entry = {"fixed": "./imagesTr/AbdomenMRCT_TCIA0008_0000.nii.gz", "moving": image(4)}
    (fault,) = faults(tmp_path, dataset(registration_val=[entry]))
    assert fault.startswith("registration_val[0].fixed")
    assert "TCIA0008" in fault


def test_points_named_nii_and_csv_without_its_dot(tmp_path: Path) -> None:
    first = {**item(1), "keypoints": image(1, folder="./keypointsTr")}
    second = {**item(2), "landmarks": "./landmarksTr/T_0002_0002csv"}
    third = {
        **item(3),
        "landmarks": "./landmarksTr/T_0003_0002.csv",
        "keypoints01": "./keypoints01Tr/T_0003_0000.csv",
    }
    task = read(tmp_path, dataset(training=[first, second, third], numTraining=3))
    assert len(task.subjects) == 3
    assert ["'keypoints'" in task.warnings[0], "'landmarks'" in task.warnings[1]] == [True, True]
    assert len(task.warnings) == 2


@pytest.mark.parametrize("labels", [{}, {"0": {}}, None])
def test_labels_empty(tmp_path: Path, labels: object) -> None:
    task = read(tmp_path, dataset(labels=labels))
    assert task.label_names == {}
    assert trained(task) == ["0001_0000", "0002_0000"]


def test_fixed_image_with_several_movings(tmp_path: Path) -> None:
    task = read(tmp_path, dataset(registration_val=[pair(3, 4), pair(3, 2)], numRegistration_val=2))
    assert names(task) == ["0003_0000<--0004_0000", "0003_0000<--0002_0000"]
    assert task.warnings == ()


def test_pair_of_one_subject_in_two_modalities(tmp_path: Path) -> None:
    task = read(tmp_path, dataset(registration_val=[pair(6, 6, (0, 1))]))
    assert names(task) == ["0006_0000<--0006_0001"]
    assert task.warnings == ()


def test_pairs_that_differ_in_modality_alone_are_warned_of_for_short_names(tmp_path: Path) -> None:
    pairs = [pair(11, 11, (1, 0)), pair(11, 11, (2, 0))]
    task = read(tmp_path, dataset(registration_val=pairs, numRegistration_val=2))
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
def test_counter_that_differs_is_a_warning_and_the_list_is_trusted(tmp_path: Path, key: str) -> None:
    task = read(tmp_path, dataset(**{key: 99}))
    assert [warning.startswith(f"{key} is 99") for warning in task.warnings] == [True]
    assert (len(task.pairs), len(task.subjects)) == (1, 4)


def test_thorax_keys_are_known(tmp_path: Path) -> None:
    assert read(tmp_path, dataset(img_shift={"fixed": "followup", "moving": "baseline"})).warnings == ()


def test_lumir_task(tmp_path: Path) -> None:
    def path(number: int, folder: str) -> str:
        return image(number, folder=folder, name="LUMIRMRI")

    document = {
        "name": "LUMIR",
        "training": [{"image": path(1, "./imagesTr")}],
        "validation": [{"fixed": path(3455, "./imagesVal"), "moving": path(3454, "./imagesVal")}],
    }
    task = read(tmp_path, document)
    assert names(task) == ["3455_0000<--3454_0000"]
    assert task.training_subjects() == ()
    assert (task.label_names, task.modality, task.shape) == ({}, "", None)


def test_psmareg_task(tmp_path: Path) -> None:
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
    task = read(tmp_path, document)
    assert task.pairs[0].moving == tmp_path / "imagesVal" / "PSMARegPSMA_0001_0000_01.nii.gz"
    assert names(task) == ["0001_0000_00<--0001_0000_01", "0003_0000_00<--0003_0000_01"]
    assert (task.modality, task.shape) == ("CT", (4, 4, 6))


# Sources


def test_file_as_source_and_pairs_file_from_elsewhere(tmp_path: Path) -> None:
    root = tmp_path / "task"
    root.mkdir()
    folder_with(root, dataset())
    (tmp_path / "list.json").write_text(json.dumps([pair(1, 2)]))
    task = read_task(root / "T_dataset.json", pairs_file=tmp_path / "list.json")
    assert task.pairs[0].fixed == root / "imagesTr" / "T_0001_0000.nii.gz"


def test_evaluation_config_as_source(tmp_path: Path) -> None:
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


def test_bare_folder_takes_the_pairs_file_for_its_description(tmp_path: Path) -> None:
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


def test_ids_of_a_csv_take_the_modalities_of_the_task(tmp_path: Path) -> None:
    folder_with(tmp_path, dataset(registration_direction={"fixed": 0, "moving": 1}))
    (tmp_path / "pairs.csv").write_text("fixed,moving\n1,1\n")
    assert names(read_task(tmp_path, pairs_file=tmp_path / "pairs.csv")) == ["0001_0000<--0001_0001"]


def test_two_descriptions_are_ambiguous_and_resource_forks_are_not(tmp_path: Path) -> None:
    folder_with(tmp_path, dataset())
    (tmp_path / "._T_dataset.json").write_bytes(b"\0\5\26\7")
    assert read_task(tmp_path).name == "T"
    (tmp_path / "U_dataset.json").write_text("{}")
    with pytest.raises(TaskError, match=r"T_dataset\.json, U_dataset\.json"):
        read_task(tmp_path)


def test_missing_source(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="missing"):
        read_task(tmp_path / "none")
    with pytest.raises(TaskError, match="no task found"):
        read_task(tmp_path)


def test_symlinked_images_need_follow_links(tmp_path: Path) -> None:
    root = tmp_path / "task"
    (root / "imagesTr").mkdir(parents=True)
    (tmp_path / "annex.nii.gz").write_bytes(b"")
    for number in (3, 4):
        (root / image(number)).symlink_to(tmp_path / "annex.nii.gz")
    folder_with(root, dataset(training=[]))
    with pytest.raises(TaskError, match=r"2 faults.*symlink leaves"):
        read_task(root)
    assert len(read_task(root, follow_links=True).pairs) == 1


# Faults and oddities


def test_duplicate_pair_is_kept_once_with_a_warning(tmp_path: Path) -> None:
    again = {"fixed": "imagesTr/T_0003_0000.nii.gz", "moving": image(4, folder="/imagesTr")}
    task = read(tmp_path, dataset(registration_val=[pair(3, 4), again], numRegistration_val=2))
    assert len(task.pairs) == 1
    assert "done once" in task.warnings[0]


def test_fixed_equal_to_moving_is_a_warning(tmp_path: Path) -> None:
    task = read(tmp_path, dataset(registration_val=[pair(3, 3)]))
    assert len(task.pairs) == 1
    assert "same image" in task.warnings[0]


def test_two_pairs_with_one_output_name_are_a_fault(tmp_path: Path) -> None:
    other = {"fixed": image(3, folder="./imagesTs"), "moving": image(4)}
    (fault,) = faults(tmp_path, dataset(registration_val=[pair(3, 4), other]))
    assert "share one output name" in fault
    assert "0003_0000<--0004_0000" in fault


@pytest.mark.parametrize("document", [dataset(registration_val=[]), dataset(registration_val=None)])
def test_empty_pair_list_is_nothing_to_do(tmp_path: Path, document: dict[str, object]) -> None:
    with pytest.raises(NothingToDo):
        read(tmp_path, document)


def test_unknown_key_is_a_warning(tmp_path: Path) -> None:
    training = [{**item(1), "scanner": "x"}]
    task = read(tmp_path, dataset(contact="x", training=training, numTraining=1))
    assert task.warnings == ("unknown key 'contact' ignored", "unknown key 'scanner' in image lists ignored")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": 3}, "name"),
        ({"name": "../T"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"numTraining": "four"}, "numTraining"),
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
        ({"training": [item(1), "x"]}, "training[1]"),
        ({"training": [{"label": "x"}]}, "training[0].image"),
        ({"training": {"1": [item(1, 1), {"image": 1}]}}, "training.1[1].image"),
        ({"training": [{"image": "../T_0001_0000.nii.gz"}]}, "training[0]"),
        ({"training": [{"image": image(1), "label": "../T_0001_0000.nii.gz"}]}, "training[0]"),
        ({"training_paired_images": [{"0": 1}]}, "training_paired_images[0].0"),
        ({"training_paired_images": [{"0": "/etc/T_0001_0000.nii.gz"}]}, "training_paired_images[0].0"),
        ({"registration_val": {"fixed": "x"}}, "registration_val"),
        ({"registration_val": [pair(3, 4), {"fixed": image(1)}]}, "registration_val[1].moving"),
        ({"registration_val": [pair(3, 4), [1, 2]]}, "registration_val[1]"),
    ],
)
def test_fault_names_its_field(tmp_path: Path, changes: dict[str, object], where: str) -> None:
    found = faults(tmp_path, dataset(**changes))
    assert [fault.split(": ")[0].removesuffix(".[key]") for fault in found] == [where]


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    document = dataset(
        numTest="none",
        tensorImageShape={"0": [1]},
        training=[{"image": "~/T_0001_0000.nii.gz"}, 5],
        registration_val=[
            {"fixed": "../T_0001_0000.nii.gz", "moving": "C:\\T_0002_0000.nii.gz"},
            {"fixed": "./imagesTr/brain.nii.gz", "moving": image(4)},
            {"fixed": 1, "moving": image(4)},
        ],
    )
    found = faults(tmp_path, document)
    places = sorted(fault.split(":")[0] for fault in found)
    assert places == [
        "numTest",
        "registration_val[0].fixed",
        "registration_val[0].moving",
        "registration_val[1].fixed",
        "registration_val[2].fixed",
        "tensorImageShape.0",
        "training[0]",
        "training[1]",
    ]


def test_faults_of_the_task_are_told_also_with_another_pair_list(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("fixed,moving\n1\n../T_0001_0000.nii.gz,2\n")
    folder_with(tmp_path, dataset(numTest="none"))
    with pytest.raises(TaskError) as caught:
        read_task(tmp_path, pairs_file=tmp_path / "pairs.csv")
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["numTest", "line 2", "line 3.fixed"]


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 9)
    | st.sampled_from(["", "0", "x", "../x", image(1), image(2)]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["0", "fixed", "moving", "image"]), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(key=st.sampled_from(sorted(dataset())), value=JSON_VALUES)
def test_any_value_under_any_key_gives_a_task_or_a_known_error(
    tmp_path: Path, key: str, value: object
) -> None:
    document = {**dataset(), key: value}
    try:
        task = read(tmp_path, document)
    except (TaskError, NothingToDo):
        return
    assert task.pairs
    assert not {one.id.subject for one in task.training_subjects()} & {
        id_.subject for one in task.pairs for id_ in (one.fixed_id, one.moving_id)
    }


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
