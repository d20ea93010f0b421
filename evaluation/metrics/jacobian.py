"""Regularity of a displacement field: Jacobian determinants, SDlogJ and the fraction of folded voxels."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["CROP", "Regularity", "jacobian_determinants", "regularity"]

# Voxels that evaluator 2.0 leaves out at every face (facts/learn2reg.md 3.4).
CROP = 2
_OFFICIAL_OFFSET = 3.0
_LOWEST = 1e-9
_HIGHEST = 1e9
# Planes worked on in one go: nine derivative planes of a slab stay near the processor's cache.
_SLAB_PLANES = 8


@dataclass(frozen=True)
class Regularity:
    """How smooth a displacement is.

    Attributes:
        sdlogj: The official number: standard deviation (ddof 0) of log(clip(det + 3, 1e-9, 1e9)).
        sdlogj_plain: The same without the 3, which compresses the official number about fourfold.
        fold_fraction: Share of the cropped volume with det <= 0, whatever the mask.
    """

    sdlogj: float
    sdlogj_plain: float
    fold_fraction: float


def jacobian_determinants(displacement: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns det(I + grad u) by central differences, in voxel units.

    Args:
        displacement: u, shape (X, Y, Z, 3), voxels.

    Returns:
        Determinants (X - 4, Y - 4, Z - 4): two voxels are cropped at each face. Empty if a side is below 5.
    """
    x, y, z = (max(side - 2 * CROP, 0) for side in displacement.shape[:3])
    determinants = np.empty((x, y, z), dtype=np.float64)
    if determinants.size == 0:
        return determinants
    for start in range(0, x, _SLAB_PLANES):
        stop = min(start + _SLAB_PLANES, x)
        block = displacement[start + CROP - 1 : stop + CROP + 1, CROP - 1 : 1 - CROP, CROP - 1 : 1 - CROP]
        determinants[start:stop] = _determinants(np.moveaxis(block, -1, 0).astype(np.float64))
    return determinants


def _determinants(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Determinants of the inner voxels of a block u (3, A, B, C) that has one voxel more at each face."""
    inner = slice(1, -1)
    # du[a][i] is the derivative of component i along axis a; the identity is added on its diagonal.
    du = (
        0.5 * (u[:, 2:, inner, inner] - u[:, :-2, inner, inner]),
        0.5 * (u[:, inner, 2:, inner] - u[:, inner, :-2, inner]),
        0.5 * (u[:, inner, inner, 2:] - u[:, inner, inner, :-2]),
    )
    for axis in range(3):
        du[axis][axis] += 1.0
    (a, b, c), (d, e, f), (g, h, i) = du
    determinants: NDArray[np.float64] = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    return determinants


def regularity(displacement: NDArray[np.float32], mask: NDArray[np.integer] | None = None) -> Regularity:
    """Scores the regularity of a displacement.

    Args:
        displacement: u, shape (X, Y, Z, 3), voxels.
        mask: Mask (X, Y, Z) of the fixed image; both SDlogJ look only at voxels where it is exactly 1.

    Returns:
        The numbers; NaN where no voxel is left to look at.
    """
    determinants = jacobian_determinants(displacement)
    inside = determinants.reshape(-1)
    if mask is not None:
        inside = determinants[mask[CROP:-CROP, CROP:-CROP, CROP:-CROP] == 1]
    return Regularity(
        sdlogj=_log_deviation(inside + _OFFICIAL_OFFSET),
        sdlogj_plain=_log_deviation(inside),
        fold_fraction=float(np.mean(determinants <= 0)) if determinants.size else math.nan,
    )


def _log_deviation(values: NDArray[np.float64]) -> float:
    return float(np.log(values.clip(_LOWEST, _HIGHEST)).std()) if values.size else math.nan
