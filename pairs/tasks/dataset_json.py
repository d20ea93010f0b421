"""The organisers' dataset JSON of 2022 and later, and the LUMIR form of it."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pairs.files.document import field_faults
from pairs.tasks.dataset_model import Dataset, Item, NamedPair, PairedItem
from pairs.tasks.taskform import PairText, SubjectText, TaskForm

__all__ = ["parse_dataset"]

_MAX_LABEL = 2**31 - 1
_MODALITY = re.compile("[0-9]{1,4}")
_POINT_KEYS = ("keypoints", "landmarks", "keypoints01", "keypoints02")

Model = TypeVar("Model", bound=BaseModel)


def parse_dataset(document: Mapping[str, object]) -> TaskForm:
    """Reads a parsed dataset JSON; faults stay in the form, so that the caller can report all at once."""
    faults: list[str] = []
    dataset = Dataset.read(document, faults)
    warnings = dataset.warnings()
    pairs = [
        pair
        for key in ("registration_val", "registration_test", "validation")
        for pair in _pairs(getattr(dataset, key), key, faults)
    ]
    if dataset.registration_val and dataset.registration_test:
        warnings.append("registration_val and registration_test are both filled; the pairs of both are used")
    items = _items(dataset.training, "training", faults)
    others = _items(dataset.test, "test", faults)
    listed = [(item.image, where) for where, item in others]
    for key in ("training_paired_images", "test_paired_images"):
        listed += _paired_texts(getattr(dataset, key), key, faults)
    return TaskForm(
        name=dataset.name or None,
        pairs=tuple(pairs),
        subjects=tuple(SubjectText(item.image, item.label, where) for where, item in items),
        listed=tuple(listed),
        labels=_labels(dataset, faults),
        modality={int(key): word for key, word in dataset.modality.items()},
        shapes={int(key): (sides[0], sides[1], sides[2]) for key, sides in dataset.tensorImageShape.items()},
        fixed_modality=dataset.registration_direction.get("fixed"),
        moving_modality=dataset.registration_direction.get("moving"),
        warnings=(*warnings, *_item_warnings([*items, *others])),
        faults=tuple(faults),
    )


def _pairs(entries: list[Any], key: str, faults: list[str]) -> list[PairText]:
    checked = _each(NamedPair.model_validate, entries, key, faults)
    return [PairText(pair.fixed, pair.moving, where) for where, pair in checked]


def _each(
    validate: Callable[[object], Model], entries: list[Any], key: str, faults: list[str]
) -> list[tuple[str, Model]]:
    """Validates entries one by one and returns the good ones with their places."""
    good = []
    for index, entry in enumerate(entries):
        where = f"{key}[{index}]"
        try:
            good.append((where, validate(entry)))
        except ValidationError as error:
            faults += field_faults(error, where)
    return good


def _items(lists: Mapping[str, list[Any]], key: str, faults: list[str]) -> list[tuple[str, Item]]:
    return [
        item
        for modality, entries in lists.items()
        for item in _each(Item.model_validate, entries, f"{key}.{modality}" if modality else key, faults)
    ]


def _paired_texts(entries: list[Any], key: str, faults: list[str]) -> list[tuple[str, str]]:
    checked = _each(PairedItem.model_validate, entries, key, faults)
    return [
        (text, f"{where}.{word}")
        for where, item in checked
        for word, text in (item.model_extra or {}).items()
    ]


def _labels(dataset: Dataset, faults: list[str]) -> dict[int, dict[int, str]]:
    """Turns label ids into integers, without background; labels of no modality are of every one."""
    fixed = dataset.registration_direction.get("fixed", 0)
    result: dict[int, dict[int, str]] = {}
    for modality, names in dataset.labels.items():
        if modality and not _MODALITY.fullmatch(modality):
            faults.append(f"labels.{modality}: expected the number of a modality; got {modality!r:.60}")
            continue
        too_large = [key for key in names if int(key) > _MAX_LABEL]
        faults += [f"labels.{modality}.{key}: label id does not fit into int32" for key in too_large]
        known = {int(key): name for key, name in names.items() if 0 < int(key) <= _MAX_LABEL}
        for number in [modality] if modality else {*dataset.modality, str(fixed)}:
            result[int(number)] = known
    return result


def _item_warnings(items: list[tuple[str, Item]]) -> list[str]:
    """Returns one warning for each kind of oddity in the entries of the image lists."""
    unknown = sorted({key for _, item in items for key in item.model_extra or {}})
    warnings = [f"unknown key {key!r} in image lists ignored" for key in unknown]
    for key in _POINT_KEYS:
        odd = [text for _, item in items if (text := getattr(item, key)) and not text.endswith(".csv")]
        if odd:
            warnings.append(
                f"{len(odd)} names under {key!r} do not end in .csv, the first is {odd[0]!r}; not used here"
            )
    return warnings
