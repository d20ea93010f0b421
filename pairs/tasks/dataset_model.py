"""The keys of the organisers' dataset JSONs, and the forms that their values may have."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pairs.files.document import brief, field_faults
from pairs.images.header import MAX_VOXELS

__all__ = ["Dataset", "Item", "NamedPair", "PairedItem", "Psma"]


def _by_modality(value: object) -> object:
    """Wraps what is not keyed by modality, so that one field type serves both forms."""
    return value if isinstance(value, dict) else {"": value}


def _label_names(value: object) -> object:
    """Brings the labels of other challenges to the form of this one, under the empty key: of any modality.

    The Medical Segmentation Decathlon has {"1": "head"}, nnU-Net {"head": 1}.
    """
    if not isinstance(value, dict) or not value:
        return value
    if all(isinstance(name, str) for name in value.values()):
        return {"": value}
    if all(isinstance(label, int) and not isinstance(label, bool) for label in value.values()):
        return {"": {str(label): name for name, label in value.items()}}
    return value


def _shapes(value: object) -> object:
    """Takes one shape for that of modality 0."""
    return {"0": value} if isinstance(value, list) else value


def _image_entries(value: object) -> object:
    """Takes a bare path, as the Decathlon lists test images, for an entry that has no more."""
    if not isinstance(value, list):
        return value
    return [{"image": entry} if isinstance(entry, str) else entry for entry in value]


def _of_a_volume(sides: list[int]) -> list[int]:
    if math.prod(sides) > MAX_VOXELS:
        raise ValueError(f"expected up to {MAX_VOXELS} voxels")
    return sides


ModalityKey = Annotated[str, Field(pattern=r"^[0-9]{1,4}$")]
LabelKey = Annotated[str, Field(pattern=r"^[0-9]{1,10}$")]
Side = Annotated[int, Field(gt=0, le=MAX_VOXELS)]
Shape = Annotated[list[Side], Field(min_length=3, max_length=3), AfterValidator(_of_a_volume)]
LabelNames = Annotated[dict[str, dict[LabelKey, str]], BeforeValidator(_label_names)]


class NamedPair(BaseModel):
    """One pair of path texts."""

    model_config = ConfigDict(extra="allow", strict=True)

    fixed: str
    moving: str


class Item(BaseModel):
    """One image of a training list; only image and label are used."""

    model_config = ConfigDict(extra="allow", strict=True)

    image: str
    label: str | None = None
    mask: str | None = None
    keypoints: str | None = None
    landmarks: str | None = None
    keypoints01: str | None = None
    keypoints02: str | None = None


class PairedItem(BaseModel):
    """Images of one subject: fixed and moving, or modality numbers (AbdomenMRCT, CuRIOUS)."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, str]


class Description(BaseModel):
    """What the dataset JSONs of all tasks share; keys that are not read are kept as they are."""

    model_config = ConfigDict(extra="allow", strict=True)

    counted: ClassVar[Mapping[str, str]] = {}
    """Counters, and the list that belongs to each; the lists are trusted."""
    unread: ClassVar[frozenset[str]] = frozenset({"release", "description", "licence", "reference"})
    """Other keys that are known and not used, so of any form."""

    name: str | None = None
    modality: dict[ModalityKey, str] = {}

    @classmethod
    def read(cls, document: Mapping[str, object], faults: list[str]) -> Self:
        """Validates a document; where keys are faulty, notes the faults and returns what the others say."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            faults += field_faults(error)
            # A fault of the document as a whole has no place.
            bad = {place for fault in error.errors() for place in fault["loc"][:1]}
            return cls.model_validate({key: value for key, value in document.items() if key not in bad})

    def warnings(self) -> list[str]:
        """Returns a sentence for each unknown key, and each counter that is not the length of its list."""
        extra = self.model_extra or {}
        unknown = [
            f"unknown key {key!r} ignored" for key in extra if key not in {*self.counted, *self.unread}
        ]
        return unknown + [
            f"{key} is {brief(extra[key]) if count is None else count} and {entries} has {length} entries; "
            "the list is used"
            for key, entries in self.counted.items()
            if extra.get(key) not in (None, {})
            and (count := _count(extra[key])) != (length := _length(getattr(self, entries)))
        ]


class Dataset(Description):
    """The known keys; list items are checked one by one, so that one bad item does not hide the others."""

    counted = {
        "numTraining": "training",
        "numTest": "test",
        "numPairedTraining": "training_paired_images",
        "numPairedTest": "test_paired_images",
        "numRegistration_val": "registration_val",
        "numRegistration_test": "registration_test",
    }
    unread = Description.unread | {"pairings", "provided_data", "img_shift", "tensorImageSize"}

    registration_direction: dict[str, Annotated[int, Field(ge=0, le=9999)]] = {}
    labels: LabelNames = {}
    tensorImageShape: Annotated[dict[ModalityKey, Shape], BeforeValidator(_shapes)] = {}  # noqa: N815
    training: Annotated[dict[str, list[Any]], BeforeValidator(_by_modality)] = {}
    test: Annotated[
        dict[str, Annotated[list[Any], BeforeValidator(_image_entries)]], BeforeValidator(_by_modality)
    ] = {}
    training_paired_images: list[Any] = []
    test_paired_images: list[Any] = []
    registration_val: list[Any] = []
    registration_test: list[Any] = []
    validation: list[Any] = []


class Psma(Description):
    """PSMAReg: entries are read by their own rule, because follow-ups are numbered in the keys."""

    counted = {
        "numValidationPaired": "validation_paired",
        "numTrainingPaired": "training_paired",
        "numTrainingUnpaired": "training_unpaired",
    }
    unread = Description.unread | {"target_spacing"}

    target_shape: Shape | None = None
    validation_paired: list[dict[str, Any]] = []
    training_paired: list[dict[str, Any]] = []
    training_unpaired: list[dict[str, Any]] = []


def _count(value: object) -> int | None:
    """Returns the number that a counter states, as text too or one for each modality; None for none."""
    if isinstance(value, dict):
        counts = [_count(one) for one in value.values()]
        return None if None in counts else sum(one for one in counts if one is not None)
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _length(lists: Mapping[str, list[Any]] | list[Any]) -> int:
    return len(lists) if isinstance(lists, list) else sum(len(entries) for entries in lists.values())
