"""What a structure that is found too large, or too small, in every scan alike costs: protocols differ so."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from evaluation.metrics.overlap import dice

__all__ = ["GROWTHS_MM", "Growth", "dice_by_growth", "grown_alike"]

GROWTHS_MM = tuple(sorted((quarters / 4 for quarters in range(-6, 7)), key=abs))
"""The smallest first: of two that are as good it is the one that is taken."""
_MARGIN_MM = 2.0
"""So that a structure can grow over the edge of its box."""

_Mask: TypeAlias = NDArray[np.bool_]


class Growth(NamedTuple):
    """A structure whose boundary is moved outwards by the same distance in all scans."""

    mm: float
    """With the largest mean Dice."""
    dice: float
    """Mean over the scans, each with the distance that suits the others best."""


def dice_by_growth(true: _Mask, seen: _Mask, spacing_mm: Sequence[float]) -> tuple[float, ...]:
    """Dice with the boundary of `seen` moved outwards by each of `GROWTHS_MM`, both (X, Y, Z)."""
    if not seen.any():
        return (dice(true, seen),) * len(GROWTHS_MM)
    margins = [(math.ceil(_MARGIN_MM / side),) * 2 for side in spacing_mm]
    true, seen = (np.pad(part, margins) for part in (true, seen))
    half = min(spacing_mm) / 2
    # Distances run between centres of voxels; the boundary lies half a voxel before the next one.
    inside, outside = (distance_transform_edt(part, sampling=spacing_mm) for part in (seen, ~seen))
    depth = np.where(seen, inside - half, half - outside)
    return tuple(dice(true, depth > -growth) for growth in GROWTHS_MM)


def grown_alike(scans: Sequence[Sequence[float]]) -> Growth:
    """What one growth of a structure, the same in all scans, gives.

    Args:
        scans: `dice_by_growth` of each, two or more.
    """
    values = np.array(scans)
    others = (values.sum(0) - values).argmax(1)
    left_out = [row[best] for row, best in zip(values.tolist(), others.tolist(), strict=True)]
    return Growth(GROWTHS_MM[int(values.mean(0).argmax())], statistics.mean(left_out))
