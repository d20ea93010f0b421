"""The shipped pair lists are the official ones, and a bare folder finds its own."""

from pathlib import Path

import pytest

from pairs.errors import TaskError
from pairs.tasks.official import official_form, official_names, read_official
from pairs.tasks.task import read_task

CT_2022 = [1, 4, 7, 10, 13, 16, 19, 22, 25, 28]
CT_2020 = [1, 4, 7, 10, 23, 26, 29, 32, 35, 38]


def upper(numbers: list[int]) -> list[tuple[int, int]]:
    return [(i, j) for i in numbers for j in numbers if i < j]


def same(numbers: list[int]) -> list[tuple[int, int]]:
    return [(number, number) for number in numbers]


# Task, edition, split, modalities (fixed, moving), rule, number of pairs.
ROWS = [
    ("AbdomenCTCT", "2022", "validation", (0, 0), upper(CT_2022), 45),
    (
        "AbdomenCTCT",
        "2022",
        "test",
        (0, 0),
        [(f, m) for f in (31, 33, 35, 37, 39, 45, 47, 49) for m in (32, 36, 38, 40, 44, 46, 48, 50) if m > f],
        39,
    ),
    ("AbdomenCTCT", "2020", "validation", (0, 0), upper(CT_2020), 45),
    (
        "AbdomenCTCT",
        "2020",
        "test",
        (0, 0),
        [(f, m) for f in range(61, 80, 2) for m in range(62, 81, 2) if m > f],
        55,
    ),
    ("AbdomenMRCT", "2022", "validation", (0, 1), same([6, 7, 8]), 3),
    ("AbdomenMRCT", "2022", "test", (0, 1), same(list(range(9, 17))), 8),
    ("HippocampusMR", "2022", "validation", (0, 0), [(i, 461 - i) for i in range(201, 261)], 60),
    ("HippocampusMR", "2022", "test", (0, 0), [(i, 651 - i) for i in range(261, 391)], 130),
    ("OASIS", "2022", "validation", (0, 0), [(i, i + 1) for i in range(395, 414)], 19),
    ("OASIS", "2022", "test", (0, 0), [(i, i + 1) for i in range(415, 453)], 38),
    ("OASIS", "2021", "validation", (0, 0), [(i, i + 1) for i in range(438, 457)], 19),
    ("OASIS", "2021", "test", (0, 0), [(i, i + 1) for i in range(1, 39)], 38),
    ("LungCT", "2022", "validation", (0, 1), same([1, 2, 3]), 3),
    ("LungCT", "2022", "test", (0, 1), same(list(range(21, 31))), 10),
    ("NLST", "2023", "validation", (0, 1), same(list(range(101, 111))), 10),
    ("NLST", "2023", "test", (0, 1), same(list(range(111, 141))), 30),
    ("NLST", "2022", "validation", (0, 1), same(list(range(41, 51))), 10),
    ("CuRIOUS", "2022", "validation", (0, 2), same([3, 6, 9, 12, 15, 18, 21]), 7),
    ("CuRIOUS", "2022", "test", (0, 2), same(list(range(23, 33))), 10),
]


@pytest.mark.parametrize(("name", "edition", "split", "modalities", "rule", "count"), ROWS)
def test_list_follows_the_official_rule(
    name: str, edition: str, split: str, modalities: tuple[int, int], rule: list[tuple[int, int]], count: int
) -> None:
    (one,) = read_official(name).select(edition, split)
    assert (one.fixed_modality, one.moving_modality) == modalities
    assert list(one.pairs) == rule
    assert len(one.pairs) == count
    if name != "LUMIR":
        assert one.folder == {"validation": "imagesTr", "test": "imagesTs"}[split]


def test_thorax_has_two_fixed_modalities() -> None:
    first, second = read_official("ThoraxCBCT").select("2023", "validation")
    assert [(one.fixed_modality, one.moving_modality) for one in (first, second)] == [(1, 0), (2, 0)]
    assert list(first.pairs) == list(second.pairs) == same([11, 12, 13])


def test_lumir_has_label_pairs_and_landmark_pairs() -> None:
    first, second = read_official("LUMIR").select("2024", "validation")
    assert list(first.pairs) == [(i, i - 1) for i in range(3455, 3484)]
    assert list(second.pairs) == [(i, i - 1) for i in range(3485, 3494)]
    assert (len(first.pairs), len(second.pairs)) == (29, 9)


def test_every_row_is_tested_and_readable() -> None:
    tested = {(name, edition, split) for name, edition, split, *_ in ROWS}
    shipped = {(name, *which) for name in official_names() for which in read_official(name).splits()}
    assert shipped - tested == {("ThoraxCBCT", "2023", "validation"), ("LUMIR", "2024", "validation")}
    assert tested <= shipped


def test_unknown_task_and_edition_say_what_is_known() -> None:
    with pytest.raises(TaskError, match="HippocampusMR"):
        read_official("Hippocampus")
    with pytest.raises(TaskError, match="2021 validation"):
        read_official("OASIS").select("2020", "validation")


def touch(root: Path, names: list[str]) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def test_folder_is_recognised_by_its_image_names(tmp_path: Path) -> None:
    root = touch(tmp_path / "input", [f"imagesTr/OASIS_{i:04d}_0000.nii.gz" for i in range(390, 415)])
    touch(root, [f"labelsTr/OASIS_{i:04d}_0000.nii.gz" for i in range(390, 415)])
    task = read_task(root)
    assert task.name == "OASIS"
    assert [pair.name for pair in task.pairs][::18] == ["0395_0000<--0396_0000", "0413_0000<--0414_0000"]
    assert [one.id.subject for one in task.training_subjects()] == [f"{i:04d}" for i in range(390, 395)]
    assert "official 2022 validation list" in task.warnings[0]


def test_numbers_that_two_editions_share_go_to_the_complete_one(tmp_path: Path) -> None:
    root = touch(tmp_path / "input", [f"imagesTs/OASIS_{i:04d}_0000.nii.gz" for i in range(415, 454)])
    assert read_task(root).pairs[0].name == "0415_0000<--0416_0000"


def test_newest_validation_list_wins_where_several_are_complete(tmp_path: Path) -> None:
    root = touch(tmp_path / "input", [f"imagesTr/OASIS_{i:04d}_0000.nii.gz" for i in range(1, 415)])
    assert read_task(root).pairs[0].name == "0395_0000<--0396_0000"


def test_names_of_2021_are_recognised_by_the_folder(tmp_path: Path) -> None:
    root = touch(tmp_path / "OASIS_2021", [f"img{i:04d}.nii.gz" for i in range(438, 458)])
    touch(root, ["seg0438.nii.gz"])
    task = read_task(root)
    assert len(task.pairs) == 19
    assert task.pairs[0].fixed == root / "img0438.nii.gz"
    assert task.pairs[0].name == "0438_0000<--0439_0000"
    assert task.subjects[0].label == root / "seg0438.nii.gz"


def test_lumir_prefix_and_folder(tmp_path: Path) -> None:
    names = [f"imagesVal/LUMIRMRI_{i:04d}_0000.nii.gz" for i in range(3454, 3494)]
    task = read_task(touch(tmp_path / "input", names))
    assert (task.name, len(task.pairs)) == ("LUMIR", 38)
    assert task.pairs[0].name == "3455_0000<--3454_0000"


def test_folder_without_any_official_pair_is_refused(tmp_path: Path) -> None:
    assert official_form(touch(tmp_path / "OASIS", ["imagesTr/OASIS_0001_0000.nii.gz"])) is None
    with pytest.raises(TaskError, match="no task found"):
        read_task(tmp_path / "OASIS")
