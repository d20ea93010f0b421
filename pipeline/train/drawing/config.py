"""Configuration of drawn training images."""

from typing import Annotated

from pydantic import Field

from pipeline.configtypes import StrictModel

__all__ = ["DrawingConfig"]

_Grey = Annotated[float, Field(ge=0, le=1)]
_Share = Annotated[float, Field(ge=0, le=1)]
# Label maps to draw from are bytes.
_Label = Annotated[int, Field(ge=1, le=255)]


class DrawingConfig(StrictModel):
    """Grey values of training images that are drawn from label maps (Billot et al. 2023)."""

    t1_means: dict[_Label, _Grey] = Field(default_factory=dict)
    """Mean grey value in T1 by label value, 0..1; a label map may hold more labels than the task names."""
    t1_share: _Share = 0.6
    """Share of the images with such grey values; the others have a random one for each structure."""
    stripped: frozenset[_Label] = frozenset()
    """Labels that are left out of half of the images, as skull stripping does with fluid around a brain."""
