"""What the label values of a label map mean: tissue, region and the same structure of the other side."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from pipeline.config import DrawingConfig
from pipeline.regions.segmentor import MOST_REGIONS
from pipeline.typing import Float, Int, Tensor

__all__ = ["Palette", "palette_of"]

_SIDES = ("left ", "right ")


class Palette(NamedTuple):
    """Tables of 256 rows, one a label value."""

    tissue: Int[Tensor, " 256"]
    """Structures that always look alike have one number; 0 is the background."""
    region: Int[Tensor, " 256"]
    """Region index in the task; labels that the task does not name are background."""
    mirrored: Int[Tensor, " 256"]
    """The label value of the other side; of unpaired structures their own."""
    stripped: Int[Tensor, " 256"]
    """As `tissue`, where skull stripping has removed some labels."""
    t1_mean: Float[Tensor, " T"]
    """Mean grey value in T1 by tissue."""


def palette_of(regions: Sequence[int], names: Mapping[int, str], config: DrawingConfig) -> Palette:
    """The tables of a task.

    Args:
        regions: label value of each region index, 0 first.
        names: by label value; "left X" and "right X" are one tissue, and each other's mirror image.
        config: further labels, and how they look.
    """
    partner = {value: _partner(value, names) for value in names}
    tissues = sorted({min(value, partner.get(value, value)) for value in {*regions[1:], *config.t1_means}})
    tables = {name: torch.zeros(MOST_REGIONS, dtype=torch.long) for name in ("tissue", "region")}
    mirrored = torch.arange(MOST_REGIONS)
    means = torch.full((len(tissues) + 1,), 0.5)
    means[0] = 0
    for value in {*regions[1:], *config.t1_means}:
        other = partner.get(value, value)
        tables["tissue"][value] = 1 + tissues.index(min(value, other))
        mirrored[value] = other
        mean = config.t1_means.get(value, config.t1_means.get(other))
        if mean is not None:
            means[tables["tissue"][value]] = mean
    for index, value in enumerate(regions):
        tables["region"][value] = index
    stripped = tables["tissue"].clone()
    stripped[list(config.stripped)] = 0
    return Palette(tables["tissue"], tables["region"], mirrored, stripped, means)


def _partner(value: int, names: Mapping[int, str]) -> int:
    """The label of the same name on the other side, or the label itself."""
    name = names[value].lower()
    for side, other in (_SIDES, _SIDES[::-1]):
        if name.startswith(side):
            wanted = other + name.removeprefix(side)
            return next((label for label, text in names.items() if text.lower() == wanted), value)
    return value
