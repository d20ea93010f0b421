"""What configuration fields are made of: numbers within bounds, and models that take no unknown field."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Fraction", "Positive", "Precision", "Rate", "StrictModel", "SubjectNumber", "Weight"]

Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]
SubjectNumber = Annotated[int, Field(ge=0, le=9999)]
Precision = Literal["float32", "bfloat16"]
"""Of the convolutions in training; weights, head, warping and losses are always float32."""


class StrictModel(BaseModel):
    """Unchangeable; refuses unknown fields, NaN and infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
