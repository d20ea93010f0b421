"""The words under and over the picture of a pair."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from evaluation.picture.slices import Plane
from evaluation.scoring.score import PairScore

__all__ = ["headline", "legend_entries"]

_DICE = "DSC"
_AXIS_NAMES = "xyz"
_NEUTRAL = "#444444"


def headline(score: PairScore, displacement: NDArray[np.float32], plane: Plane) -> str:
    """Returns one line with the numbers of a pair: mean Dice, largest displacement, folding, plane shown."""
    longest = float(np.linalg.norm(displacement, axis=-1).max())
    parts = [
        f"largest displacement {longest:.1f} voxels",
        f"folded {100 * score.regularity.fold_fraction:.3f} %",
        f"slice {_AXIS_NAMES[plane.axis]} = {plane.index} of {displacement.shape[plane.axis]}",
    ]
    if _DICE in score.after:
        parts.insert(0, f"mean Dice {score.before[_DICE].mean:.3f} → {score.after[_DICE].mean:.3f}")
    return "      ".join(parts)


def legend_entries(score: PairScore, names: Mapping[int, str], colours: Mapping[int, Any]) -> list[Line2D]:
    """Returns a coloured line for each structure with its name and Dice, and one for each outline style."""
    if _DICE not in score.after:
        return []
    before, after = score.before[_DICE].detailed, score.after[_DICE].detailed
    if not isinstance(before, tuple) or not isinstance(after, tuple):
        return []
    entries = []
    for label, old, new in zip(colours, before, after, strict=True):
        dice = "not in both images" if math.isnan(new) else f"Dice {old:.3f} → {new:.3f}"
        text = f"{names.get(label, f'label {label}')}   {dice}"
        entries.append(Line2D([], [], color=colours[label], linewidth=3, label=text))
    return [
        *entries,
        Line2D([], [], color=_NEUTRAL, linewidth=1.8, label="solid: labels of the image shown"),
        Line2D([], [], color=_NEUTRAL, linewidth=1.0, linestyle="--", label="dashed: labels of fixed"),
    ]
