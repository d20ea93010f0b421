"""Every form of pair list that the challenge has used is told apart and read."""

import json
from pathlib import Path

import pytest

from pairs.errors import TaskError
from pairs.tasks.dialects import read_form
from pairs.tasks.taskform import PairText, TaskForm

FIXED, MOVING = "./imagesTr/T_0001_0000.nii.gz", "./imagesTr/T_0002_0000.nii.gz"
PAIR = {"fixed": FIXED, "moving": MOVING}
OTHER = {"fixed": MOVING, "moving": FIXED}


def form_of(folder: Path, document: object) -> TaskForm:
    path = folder / "list.json"
    path.write_text(json.dumps(document))
    return read_form(path)


def csv_form(folder: Path, content: bytes) -> TaskForm:
    path = folder / "pairs_val.csv"
    path.write_bytes(content)
    return read_form(path)


def sides(form: TaskForm) -> list[tuple[str | int, str | int]]:
    return [(pair.fixed, pair.moving) for pair in form.pairs]


def test_plain_list(tmp_path: Path) -> None:
    assert form_of(tmp_path, [PAIR, OTHER]).pairs == (
        PairText(FIXED, MOVING, "[0]"),
        PairText(MOVING, FIXED, "[1]"),
    )


def test_plain_list_is_closed(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"\[1\]\.weight.*\[2\]\.moving"):
        form_of(tmp_path, [PAIR, {**PAIR, "weight": 1}, {"fixed": FIXED}])


def test_evaluation_config(tmp_path: Path) -> None:
    methods = [{"name": "LogJacDetStd", "metric": "sdlogj"}]
    document = {
        "task_name": "T",
        "evaluation_methods": methods,
        "expected_shape": [8, 6, 4, 3],
        "eval_pairs": [PAIR],
    }
    form = form_of(tmp_path, document)
    assert (form.name, form.shapes, sides(form)) == ("T", {0: (8, 6, 4)}, [(FIXED, MOVING)])


def test_evaluation_config_of_version_01(tmp_path: Path) -> None:
    document = {"task_name": "T_Val", "evaluation_methods": {"sdlogj": True}, "eval_pairs": [PAIR]}
    assert sides(form_of(tmp_path, document)) == [(FIXED, MOVING)]


@pytest.mark.parametrize("key", ["registration_val", "registration_test", "validation"])
def test_dataset_keys(tmp_path: Path, key: str) -> None:
    form = form_of(tmp_path, {"name": "T", "training": [], key: [PAIR]})
    assert form.pairs == (PairText(FIXED, MOVING, f"{key}[0]"),)


def test_validation_and_test_pairs_are_both_used_and_told(tmp_path: Path) -> None:
    form = form_of(tmp_path, {"registration_val": [PAIR], "registration_test": [OTHER]})
    assert sides(form) == [(FIXED, MOVING), (MOVING, FIXED)]
    assert any("both filled" in warning for warning in form.warnings)


def test_lumir(tmp_path: Path) -> None:
    document = {
        "name": "LUMIR",
        "tensorImageShape": {"0": [160, 224, 192]},
        "numTraining": 1,
        "training": [{"image": "./imagesTr/LUMIRMRI_0001_0000.nii.gz"}],
        "validation": [
            {
                "fixed": "./imagesVal/LUMIRMRI_3455_0000.nii.gz",
                "moving": "./imagesVal/LUMIRMRI_3454_0000.nii.gz",
            }
        ],
    }
    form = form_of(tmp_path, document)
    assert form.pairs[0].fixed == "./imagesVal/LUMIRMRI_3455_0000.nii.gz"
    assert form.subjects[0].label is None
    assert (form.warnings, form.faults) == ((), ())


def psma_entry(number: int, word: str = "Baseline ") -> dict[str, object]:
    stem = f"./imagesVal/PSMARegPSMA_{number:04d}"
    return {
        "subject": f"PSMARegPSMA_{number:04d}",
        "tracer": "PSMA",
        f"{word}CT": f"{stem}_0000_00.nii.gz",
        f"{word}PET": f"{stem}_0001_00.nii.gz",
        "Follow-up 01 Date": "2020-12-18",
        "Follow-up 01 CT": f"{stem}_0000_01.nii.gz",
        "Follow-up 01 PET": f"{stem}_0001_01.nii.gz",
    }


@pytest.mark.parametrize("word", ["Baseline ", ""])
def test_psmareg_moves_the_follow_up(tmp_path: Path, word: str) -> None:
    document = {
        "name": "PSMAReg",
        "modality": {"0000": "CT", "0001": "PSMA PET"},
        "target_shape": [192, 192, 288],
        "target_spacing": [2.7344, 2.7344, 3.27],
        "numValidationPaired": 1,
        "validation_paired": [psma_entry(1, word)],
    }
    form = form_of(tmp_path, document)
    stem = "./imagesVal/PSMARegPSMA_0001_0000"
    assert sides(form) == [(f"{stem}_00.nii.gz", f"{stem}_01.nii.gz")]
    assert form.modality == {0: "CT", 1: "PSMA PET"}
    assert form.shapes == {0: (192, 192, 288)}
    assert (form.warnings, form.faults) == ((), ())


def test_psmareg_every_follow_up_is_a_pair_and_training_has_labels(tmp_path: Path) -> None:
    entry = psma_entry(3)
    entry["Follow-up 02 CT"] = "./imagesVal/PSMARegPSMA_0003_0000_02.nii.gz"
    trained = {
        "subject": "PSMARegPSMA_0100",
        "CT": "./imagesTr/PSMARegPSMA_0100_0000_00.nii.gz",
        "CT Label": "./labelsTr/PSMARegPSMA_0100_0000_00.nii.gz",
        "Follow-up 01 CT": "./imagesTr/PSMARegPSMA_0100_0000_01.nii.gz",
        "Follow-up 01 CT Label": "./labelsTr/PSMARegPSMA_0100_0000_01.nii.gz",
    }
    form = form_of(tmp_path, {"validation_paired": [entry], "training_paired": [trained]})
    assert [pair.moving for pair in form.pairs] == [entry["Follow-up 01 CT"], entry["Follow-up 02 CT"]]
    assert [subject.label for subject in form.subjects] == [
        trained["CT Label"],
        trained["Follow-up 01 CT Label"],
    ]


def test_psmareg_faults_name_the_entry(tmp_path: Path) -> None:
    no_follow_up = {"CT": "./imagesVal/P_0001_0000_00.nii.gz"}
    entries = [no_follow_up, {"subject": "P"}, {**psma_entry(4), "Baseline CT": 4}]
    form = form_of(tmp_path, {"validation_paired": entries, "target_shape": [1, 2]})
    assert len(form.faults) == 4
    assert {fault.split(":")[0] for fault in form.faults} == {
        "target_shape",
        "validation_paired[0]",
        "validation_paired[1]",
        "validation_paired[2].Baseline CT",
    }


@pytest.mark.parametrize(
    "content",
    [
        b"fixed, moving\n438, 439\n439, 440\n",
        b"fixed,moving\n438,439\n439,440\n",
        b"fixed,moving\r\n438,439\r\n\r\n439,440",
        b"\xef\xbb\xbffixed, moving\n0438, 0439\n0439, 0440\n",
        b"moving,fixed\n439,438\n440,439\n",
        b'fixed, "moving"\n438, "439"\n439, "440"\n',
    ],
)
def test_csv_with_ids(tmp_path: Path, content: bytes) -> None:
    assert sides(csv_form(tmp_path, content)) == [(438, 439), (439, 440)]


def test_csv_with_paths(tmp_path: Path) -> None:
    form = csv_form(tmp_path, f"fixed,moving\n{FIXED},{MOVING}\n".encode())
    (pair,) = form.pairs
    assert (pair.fixed, pair.moving) == (FIXED, MOVING)
    assert pair.where + pair.sides[1] == "line 2, column moving"


def test_csv_with_further_columns(tmp_path: Path) -> None:
    form = csv_form(tmp_path, b"index,fixed,moving\n0,1,2\n")
    assert sides(form) == [(1, 2)]
    assert form.warnings == ("unknown column 'index' ignored",)


@pytest.mark.parametrize("content", [b"438,439\n", b"fixed\n1\n", b"fixed,fixed,moving\n1,2,3\n"])
def test_csv_without_its_header_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(TaskError, match="header"):
        csv_form(tmp_path, content)


def test_csv_with_a_short_line_is_a_fault_of_that_line(tmp_path: Path) -> None:
    form = csv_form(tmp_path, b"fixed,moving\n1,2\n3\n4,5,6\n")
    assert sides(form) == [(1, 2)]
    assert [fault.split(":")[0] for fault in form.faults] == ["line 3, column moving", "line 4"]


def test_csv_with_an_open_quote_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="not valid CSV"):
        csv_form(tmp_path, b'fixed,moving\n"1,2\n')


@pytest.mark.parametrize(
    "document",
    [
        {"registration_val": [PAIR], "pairs": [PAIR]},
        {"registration_val": [PAIR], "eval_pairs": [PAIR]},
        {"registration_val": [PAIR], "validation": [PAIR]},
    ],
)
def test_two_pair_lists_in_one_file_are_refused(tmp_path: Path, document: object) -> None:
    with pytest.raises(TaskError, match="two pair lists"):
        form_of(tmp_path, document)


@pytest.mark.parametrize("document", ["text", 1, None, {}, {"images": []}, {"pairs": [PAIR]}])
def test_unknown_form_is_refused_with_what_is_known(tmp_path: Path, document: object) -> None:
    with pytest.raises(TaskError, match="expected"):
        form_of(tmp_path, document)
