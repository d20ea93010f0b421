"""Types of configuration fields, and the message where one is refused."""

import re
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from pairs.files.document import brief

__all__ = [
    "Channels",
    "Fault",
    "Fraction",
    "Label",
    "Name",
    "Orientation",
    "Positive",
    "Precision",
    "Rate",
    "Schedule",
    "Side",
    "StrictModel",
    "SubjectNumber",
    "Weight",
    "first_fault",
]


def _three_directions(text: str) -> str:
    if sorted(_AXES.get(letter, letter) for letter in text) != sorted({*_AXES.values()}):
        raise ValueError("three letters: R or L, A or P, and S or I, in the order of the axes")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("a name")
    return text


Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(gt=0)]
# Sizes have ends, since a weights file must not be able to ask for any amount of memory.
Channels = Annotated[int, Field(gt=0, le=2**24)]
Side = Annotated[int, Field(gt=0, le=2048)]
"""In voxels or tokens."""
Label = Annotated[int, Field(ge=0, le=2**31 - 1)]
Rate = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]
SubjectNumber = Annotated[int, Field(ge=0, le=9999)]
Name = Annotated[str, AfterValidator(_not_blank)]
_AXES = {"R": "side", "L": "side", "A": "front", "P": "front", "S": "head", "I": "head"}
Orientation = Annotated[str, AfterValidator(_three_directions)]
"""Towards what each axis runs: "RAS" is right, front (anterior) and head (superior)."""
Precision = Literal["float32", "bfloat16"]
"""Of the convolutions in training; weights, head, warping and losses are always float32."""

Schedule = Literal["polynomial", "cosine"]
"""How the learning rate decays to 0."""


class StrictModel(BaseModel):
    """Unchangeable; refuses unknown fields, NaN and infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Fault(NamedTuple):
    """What is wrong with a document."""

    field: str
    """Its path, such as `registration.window.1`; empty where the document as a whole is wrong."""
    expected: str
    got: str | None


def first_fault(error: ValidationError, model: type[BaseModel]) -> Fault:
    """The first fault that pydantic found; of an unknown field, with the fields that there are in its place.

    Args:
        error: What it found.
        model: Of the whole document.
    """
    fault = error.errors(include_url=False)[0]
    place = fault["loc"]
    expected = re.sub(r"^(\w+ should (be|have) |Value error, )", "", fault["msg"])
    # A rule over the fields of a section says by itself what is wrong with them.
    got = None if isinstance(fault["input"], dict) else brief(fault["input"])
    if fault["type"] == "extra_forbidden":
        expected = f"one of the fields {', '.join(_fields_beside(place, model))}"
    elif fault["type"] == "missing":
        expected, got = "a value", "none"
    elif fault["type"] == "model_type":
        expected = "an object of named fields"
    elif fault["type"] == "json_invalid":
        expected, got = "JSON", fault["msg"].removeprefix("Invalid JSON: ")
    return Fault(".".join(str(part) for part in place), expected, got)


def _fields_beside(place: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """The fields of the section that a field was put into."""
    for part in place[:-1]:
        kind = model.model_fields[str(part)].annotation
        model = next(
            one for one in (kind, *get_args(kind)) if isinstance(one, type) and issubclass(one, BaseModel)
        )
    return list(model.model_fields)
