"""The keys of the organisers' dataset JSON, and the forms that their values may have."""

import math
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from pairs.header import MAX_VOXELS

__all__ = ["Dataset", "Item", "ModalityKey", "NamedPair", "PairedItem", "Shape"]


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


class Dataset(BaseModel):
    """The known keys; list items are checked one by one, so that one bad item does not hide the others."""

    model_config = ConfigDict(extra="allow", strict=True)

    name: str | None = None
    registration_direction: dict[str, Annotated[int, Field(ge=0, le=9999)]] = {}
    modality: dict[ModalityKey, str] = {}
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
    # Known and not used, so of any form; the counters are compared with the lists.
    release: Any = None
    description: Any = None
    licence: Any = None
    reference: Any = None
    pairings: Any = None
    provided_data: Any = None
    img_shift: Any = None
    tensorImageSize: Any = None  # noqa: N815
    numTraining: Any = None  # noqa: N815
    numTest: Any = None  # noqa: N815
    numPairedTraining: Any = None  # noqa: N815
    numPairedTest: Any = None  # noqa: N815
    numRegistration_val: Any = None  # noqa: N815
    numRegistration_test: Any = None  # noqa: N815
