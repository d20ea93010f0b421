"""How alike two images look, voxel by voxel: correlation, and mutual information for two modalities."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Similarity", "similarity"]

_BINS = 32
# Of the values of an image: the few beyond them go into the outermost bins.
_PERCENTILES = (0.5, 99.5)


@dataclass(frozen=True)
class Similarity:
    """Two plain numbers; both grow as the images come to look alike.

    Attributes:
        correlation: Pearson's, -1 to 1.
        mutual_information: In nats, from 32 x 32 bins; 0 where one image says nothing of the other.
    """

    correlation: float
    mutual_information: float


def similarity(
    fixed: NDArray[np.float32], warped: NDArray[np.float32], mask: NDArray[np.bool_] | None = None
) -> Similarity:
    """Compares two images on one grid.

    Args:
        fixed: (X, Y, Z).
        warped: (X, Y, Z).
        mask: Where to look; None is everywhere.

    Returns:
        The numbers; NaN where an image has one value alone.

    References:
        Mattes et al. 2003, https://doi.org/10.1109/TMI.2003.809072, for mutual information
    """
    first, second = (image.ravel() if mask is None else image[mask] for image in (fixed, warped))
    if first.size == 0 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return Similarity(math.nan, math.nan)
    spreads = [float(values.std(dtype=np.float64)) for values in (first, second)]
    means = [float(values.mean(dtype=np.float64)) for values in (first, second)]
    product = (first - np.float32(means[0])) * (second - np.float32(means[1]))
    correlation = float(product.mean(dtype=np.float64)) / (spreads[0] * spreads[1])
    return Similarity(min(max(correlation, -1.0), 1.0), _mutual_information(first, second))


def _mutual_information(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    joint = np.bincount(_bins(first) * _BINS + _bins(second), minlength=_BINS**2).reshape(_BINS, _BINS)
    shares = joint / joint.sum()
    alone = shares.sum(axis=1, keepdims=True) * shares.sum(axis=0, keepdims=True)
    seen = shares > 0
    return float((shares[seen] * np.log(shares[seen] / alone[seen])).sum())


def _bins(values: NDArray[np.float32]) -> NDArray[np.int16]:
    low, high = np.percentile(values, _PERCENTILES)
    if not high > low:
        low, high = values.min(), values.max()
    scaled = (values - np.float32(low)) * np.float32(_BINS / (high - low))
    return scaled.clip(0, _BINS - 1).astype(np.int16)
