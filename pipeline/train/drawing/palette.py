"""What the label values of a label map mean: tissue, region and the same structure of the other side."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from pairs.errors import UsageError
from pipeline.config import DrawingConfig
from pipeline.regions.segmentor import MOST_REGIONS
from pipeline.typing import Float, Int, Tensor

__all__ = ["Palette", "palette_of"]

_SIDES = ("left ", "right ")
UNKNOWN_MEAN = 0.5
"""In T1, of a label whose mean the configuration does not give."""


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

    Raises:
        UsageError: a label above 255.
    """
    values = sorted({*regions[1:], *config.t1_means})
    if values and values[-1] >= MOST_REGIONS:
        raise UsageError("label too large for drawn images", expected="labels up to 255", got=values[-1])
    other_side = {value: _other_side(value, names) if value in names else value for value in values}
    # Both sides look like the one of the smaller label.
    shown = {value: min(value, other) for value, other in other_side.items()}
    tissues = sorted(set(shown.values()))
    tissue, region = torch.zeros(2, MOST_REGIONS, dtype=torch.long)
    mirrored, t1_mean = torch.arange(MOST_REGIONS), torch.full((len(tissues) + 1,), UNKNOWN_MEAN)
    t1_mean[0] = 0
    for value in values:
        tissue[value], mirrored[value] = 1 + tissues.index(shown[value]), other_side[value]
    for value, mean in config.t1_means.items():
        t1_mean[tissue[value]] = mean
    region[list(regions)] = torch.arange(len(regions))
    stripped = tissue.clone()
    stripped[list(config.stripped)] = 0
    return Palette(tissue, region, mirrored, stripped, t1_mean)


def _other_side(value: int, names: Mapping[int, str]) -> int:
    """The label of the same name on the other side, or the label itself."""
    name = names[value].lower()
    for side, other in (_SIDES, _SIDES[::-1]):
        if name.startswith(side):
            wanted = other + name.removeprefix(side)
            return next((label for label, text in names.items() if text.lower() == wanted), value)
    return value
