"""The organisers' dataset JSON of 2022 and later, and the LUMIR form of it."""

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pairs.document import field_faults
from pairs.header import MAX_VOXELS
from pairs.taskform import PairText, SubjectText, TaskForm

__all__ = ["ModalityKey", "Number", "Shape", "counter_warnings", "parse_dataset", "validate_leniently"]

_MAX_LABEL = 2**31 - 1
_POINT_KEYS = ("keypoints", "landmarks", "keypoints01", "keypoints02")


def _by_modality(value: object) -> object:
    """Wraps what is not keyed by modality, so that one field type serves both forms."""
    return value if isinstance(value, dict) else {"": value}


def _of_a_volume(sides: list[int]) -> list[int]:
    if math.prod(sides) > MAX_VOXELS:
        raise ValueError(f"expected up to {MAX_VOXELS} voxels")
    return sides


ModalityKey = Annotated[str, Field(pattern=r"^[0-9]{1,4}$")]
LabelKey = Annotated[str, Field(pattern=r"^[0-9]{1,10}$")]
Side = Annotated[int, Field(gt=0, le=MAX_VOXELS)]
Shape = Annotated[list[Side], Field(min_length=3, max_length=3), AfterValidator(_of_a_volume)]
Number = Annotated[int, Field(ge=0, le=10**9)]
Counter = Annotated[dict[str, Number], BeforeValidator(_by_modality)]


class _NamedPair(BaseModel):
    """One pair of path texts."""

    model_config = ConfigDict(extra="allow", strict=True)

    fixed: str
    moving: str


class _Item(BaseModel):
    """One image of a training list; only image and label are used."""

    model_config = ConfigDict(extra="allow", strict=True)

    image: str
    label: str | None = None
    mask: str | None = None
    keypoints: str | None = None
    landmarks: str | None = None
    keypoints01: str | None = None
    keypoints02: str | None = None


class _PairedItem(BaseModel):
    """Images of one subject: fixed and moving, or modality numbers (AbdomenMRCT, CuRIOUS)."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, str]


class _Dataset(BaseModel):
    """The known keys; list items are checked one by one, so that one bad item does not hide the others."""

    model_config = ConfigDict(extra="allow", strict=True)

    name: str | None = None
    release: str | None = None
    description: str | None = None
    licence: str | None = None
    reference: str | None = None
    pairings: str | None = None
    provided_data: dict[str, list[str]] = {}
    registration_direction: dict[str, Annotated[int, Field(ge=0, le=9999)]] = {}
    modality: dict[ModalityKey, str] = {}
    img_shift: dict[str, str] = {}
    labels: dict[ModalityKey, dict[LabelKey, str]] = {}
    tensorImageSize: dict[str, str] = {}  # noqa: N815
    tensorImageShape: dict[ModalityKey, Shape] = {}  # noqa: N815
    numTraining: Counter = {}  # noqa: N815
    numTest: Counter = {}  # noqa: N815
    numPairedTraining: Counter = {}  # noqa: N815
    numPairedTest: Counter = {}  # noqa: N815
    numRegistration_val: Counter = {}  # noqa: N815
    numRegistration_test: Counter = {}  # noqa: N815
    training: Annotated[dict[str, list[Any]], BeforeValidator(_by_modality)] = {}
    test: Annotated[dict[str, list[Any]], BeforeValidator(_by_modality)] = {}
    training_paired_images: list[Any] = []
    test_paired_images: list[Any] = []
    registration_val: list[Any] = []
    registration_test: list[Any] = []
    validation: list[Any] = []


_COUNTED = {
    "numTraining": "training",
    "numTest": "test",
    "numPairedTraining": "training_paired_images",
    "numPairedTest": "test_paired_images",
    "numRegistration_val": "registration_val",
    "numRegistration_test": "registration_test",
}

Model = TypeVar("Model", bound=BaseModel)


def parse_dataset(document: Mapping[str, object]) -> TaskForm:
    """Reads a parsed dataset JSON; faults stay in the form, so that the caller can tell all at once."""
    faults: list[str] = []
    dataset = validate_leniently(_Dataset, document, faults)
    warnings = [f"unknown key {key!r} ignored" for key in dataset.model_extra or {}]
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
        labels=_labels(dataset.labels, faults),
        modality={int(key): word for key, word in dataset.modality.items()},
        shapes={int(key): (sides[0], sides[1], sides[2]) for key, sides in dataset.tensorImageShape.items()},
        fixed_modality=dataset.registration_direction.get("fixed"),
        moving_modality=dataset.registration_direction.get("moving"),
        warnings=(
            *warnings,
            *_counter_warnings(dataset),
            *_item_warnings([*items, *others]),
        ),
        faults=tuple(faults),
    )


def _counter_warnings(dataset: _Dataset) -> list[str]:
    lengths = {key: _length(getattr(dataset, key)) for key in _COUNTED.values()}
    counters = {key: sum(given.values()) for key in _COUNTED if (given := getattr(dataset, key))}
    return counter_warnings(counters, lengths, _COUNTED)


def counter_warnings(
    counters: Mapping[str, int], lengths: Mapping[str, int], counted: Mapping[str, str]
) -> list[str]:
    """Returns a warning for each counter that differs from the length of its list; the lists are trusted."""
    return [
        f"{key} is {count} and {counted[key]} has {lengths[counted[key]]} entries; the list is used"
        for key, count in counters.items()
        if count != lengths[counted[key]]
    ]


def _pairs(entries: list[Any], key: str, faults: list[str]) -> list[PairText]:
    checked = _each(_NamedPair.model_validate, entries, key, faults)
    return [PairText(pair.fixed, pair.moving, where) for where, pair in checked]


def validate_leniently(model: type[Model], document: Mapping[str, object], faults: list[str]) -> Model:
    """Validates a document; where keys are faulty, notes the faults and returns what the other keys say."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        faults += field_faults(error)
        # A fault of the document as a whole has no place.
        bad = {place for fault in error.errors() for place in fault["loc"][:1]}
        return model.model_validate({key: value for key, value in document.items() if key not in bad})


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


def _items(lists: Mapping[str, list[Any]], key: str, faults: list[str]) -> list[tuple[str, _Item]]:
    return [
        item
        for modality, entries in lists.items()
        for item in _each(_Item.model_validate, entries, f"{key}.{modality}" if modality else key, faults)
    ]


def _paired_texts(entries: list[Any], key: str, faults: list[str]) -> list[tuple[str, str]]:
    checked = _each(_PairedItem.model_validate, entries, key, faults)
    return [
        (text, f"{where}.{word}")
        for where, item in checked
        for word, text in (item.model_extra or {}).items()
    ]


def _labels(labels: Mapping[str, Mapping[str, str]], faults: list[str]) -> dict[int, dict[int, str]]:
    """Turns label ids into integers; background is not a label."""
    result: dict[int, dict[int, str]] = {}
    for modality, names in labels.items():
        too_large = [key for key in names if int(key) > _MAX_LABEL]
        faults += [f"labels.{modality}.{key}: label id does not fit into int32" for key in too_large]
        result[int(modality)] = {int(key): name for key, name in names.items() if 0 < int(key) <= _MAX_LABEL}
    return result


def _length(lists: Mapping[str, list[Any]] | list[Any]) -> int:
    return len(lists) if isinstance(lists, list) else sum(len(entries) for entries in lists.values())


def _item_warnings(items: list[tuple[str, _Item]]) -> list[str]:
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
