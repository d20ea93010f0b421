"""One table for the regions of several tasks: by name, with labels that no task of it shares by chance."""

import pytest

from pairs.errors import TaskError
from pipeline.regions.table import joint_regions

__all__: list[str] = []

MAIN = {0: "background", 4: "Liver", 1: "Left-Kidney"}


def test_one_task_is_its_own_table() -> None:
    joint = joint_regions(MAIN)
    assert joint.labels == (0, 1, 4)
    assert joint.names == ("background", "Left-Kidney", "Liver")


def test_new_regions_are_numbered_after_the_main_tasks() -> None:
    joint = joint_regions(MAIN, [{1: "lung", 2: "liver"}, {7: "left kidney", 4: "LUNG", 9: "heart"}])
    assert joint.labels == (0, 1, 4, 5, 6)
    assert joint.names == ("background", "Left-Kidney", "Liver", "lung", "heart")


def test_rows_go_by_name_and_not_by_label() -> None:
    joint = joint_regions(MAIN, [{1: "lung", 2: "liver"}])
    assert joint.rows_of({2: "liver", 1: "lung"}) == (0, 3, 2)
    assert joint.rows_of({5: "LIVER", 3: "left_kidney"}) == (0, 1, 2)


def test_what_the_table_does_not_have_is_background() -> None:
    assert joint_regions(MAIN).rows_of({1: "lung", 2: "liver", 3: "background"}) == (0, 0, 2, 0)


def test_namesakes_of_the_main_task_keep_their_rows() -> None:
    joint = joint_regions({1: "cyst", 2: "Cyst"}, [{3: "cyst"}])
    assert joint.labels == (0, 1, 2)
    assert joint.rows_of({3: "cyst"}) == (0, 1)


@pytest.mark.parametrize(("main", "others"), [({4: "-"}, []), ({1: "liver"}, [{1: "liver", 4: ""}])])
def test_a_label_without_a_name_is_told_by_its_value(main: dict[int, str], others: list) -> None:
    with pytest.raises(TaskError, match=r"label 4; .*name every label in `labels`"):
        joint_regions(main, others)
