"""The modalities of a task in words, and of which of them its fixed images are."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pairs.tasks.task import Task, read_task

__all__: list[str] = []

Entry = Callable[..., dict[str, str]]
Dataset = Callable[..., dict[str, Any]]
Folder = Callable[[Path, object], Path]
Read = Callable[..., Task]


@pytest.mark.parametrize("word", ["MR", "CT", "MR T1w", "MR FLAIR"])
def test_modality_is_the_word_of_the_fixed_image(pair: Entry, read: Read, word: str) -> None:
    changes = {"registration_direction": {"fixed": 1, "moving": 0}, "modality": {"0": "US", "1": word}}
    labels = {"0": {"1": "wrong"}, "1": {"3": "right"}}
    task = read(labels=labels, registration_val=[pair(3, 3, (1, 0))], **changes)
    assert task.modality == word
    assert task.label_names == {3: "right"}


def test_without_direction_the_first_pair_decides(pair: Entry, read: Read) -> None:
    changes = {"registration_direction": None, "modality": {"0": "US", "1": "CT"}}
    assert read(registration_val=[pair(3, 3, (1, 0))], **changes).modality == "CT"


def test_every_modality_has_its_word(
    tmp_path: Path, read: Read, dataset: Dataset, folder_with: Folder
) -> None:
    assert read(modality={"0": "MR T1w", "1": "CT"}).modalities == {"0000": "MR T1w", "0001": "CT"}
    assert read(modality={}).modalities == {}
    other = tmp_path / "other.json"
    other.write_text(json.dumps(dataset(modality={"0": "US", "2": "CT"})))
    source = folder_with(tmp_path, dataset(modality={"0": "MR"}))
    task = read_task(source, pairs_file=other)
    assert task.modalities == {"0000": "MR", "0002": "CT"}


def test_what_a_description_leaves_out_is_known_of_the_task(read: Read) -> None:
    assert read(name="LungCT", modality={"0": "CT"}).modalities == {"0000": "CT", "0001": "CT"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"0": "CT", "1": "CT"}, ("CT", "CT")),
        ({"0": "MR T1w", "1": "CT"}, ("CT", "MR T1w")),
        ({"0": "CT"}, ("0001", "0000")),
        ({"0": "CT", "1": ""}, ("0001", "0000")),
    ],
)
def test_modalities_of_a_pair(
    pair: Entry, read: Read, words: dict[str, str], expected: tuple[str, str]
) -> None:
    task = read(modality=words, registration_val=[pair(3, 4, (1, 0))])
    assert task.modalities_of(task.pairs[0]) == expected
