"""Dice overlap of two masks."""

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["dice"]


def dice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Returns 2 |A and B| / (|A| + |B|) of two masks of one shape; NaN where both are empty."""
    volume = int(np.count_nonzero(first)) + int(np.count_nonzero(second))
    if volume == 0:
        return math.nan
    return 2 * int(np.count_nonzero(first & second)) / volume
