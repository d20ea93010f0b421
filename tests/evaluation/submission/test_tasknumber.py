"""Task numbers of 2020 and 2021."""

import pytest

from evaluation.submission.tasknumber import numbered_profile, task_folder, task_number
from pairs.errors import UsageError


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("CuRIOUS", 1),
        ("AbdomenMRCT", 1),
        ("LungCT", 2),
        ("AbdomenCTCT", 3),
        ("OASIS", 3),
        ("HippocampusMR", 4),
        ("Hippocampus", 4),
    ],
)
def test_official_numbers(name: str, number: int) -> None:
    assert task_number(name) == number
    assert task_number(name, 7) == 7
    assert task_folder(number) == f"task_0{number}"


def test_a_task_without_number_asks_for_one() -> None:
    with pytest.raises(UsageError, match="--task-number"):
        task_number("Own")
    assert task_number("Own", 5) == 5
    for impossible in (0, -1, 100):
        with pytest.raises(UsageError, match="impossible"):
            task_number("Own", impossible)


def test_the_hippocampus_is_full() -> None:
    assert numbered_profile("HippocampusMR").name == "l2r2020-full"
    assert numbered_profile("OASIS").name == "l2r2021"
