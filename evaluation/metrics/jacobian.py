"""Regularity of a displacement field: Jacobian determinants, SDlogJ and the fraction of folded voxels."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.diffeomorphism import non_diffeomorphic_volume
from evaluation.metrics.spread import Spread, Tile, in_turn, tiles

__all__ = ["CROP", "Regularity", "jacobian_determinants", "regularity"]

# Voxels that evaluator 2.0 leaves out at every face.
CROP = 2
_PLAIN_CLIP = (1e-9, 1e9)
# Of a tile: nine derivatives of it stay in the processor's cache.
_PLANES = 4
_ROWS = 32


@dataclass(frozen=True)
class Regularity:
    """How smooth a displacement is.

    Attributes:
        sdlogj: The official number: standard deviation (ddof 0) of log(clip(det + offset, low, high)).
        sdlogj_plain: The same with offset 0 and the clip of evaluator 2.0; the official offset of 3 makes the
            number about four times smaller.
        fold_fraction: Share of the cropped volume with det <= 0, whatever the mask.
        ndv_fraction: Non-diffeomorphic volume as a share of the volume, whatever the mask.
    """

    sdlogj: float
    sdlogj_plain: float
    fold_fraction: float
    ndv_fraction: float


@dataclass(frozen=True)
class _Moments:
    """Number, mean and sum of squared deviations of some values."""

    count: int
    mean: float
    deviation: float

    @classmethod
    def of_logs(cls, values: NDArray[np.float64], clip: tuple[float, float]) -> "_Moments":
        """Takes the moments of log(clip(values)); the array is used up."""
        if values.size == 0:
            return cls(0, 0.0, 0.0)
        # The clip of 2020 begins at 0, whose logarithm is minus infinity; the official number is NaN then.
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(np.clip(values, *clip, out=values), out=values)
            mean = float(logs.mean())
            logs -= mean
            return cls(logs.size, mean, float(np.square(logs, out=logs).sum()))


def _deviation(parts: Iterable[_Moments]) -> float:
    """Returns the standard deviation (ddof 0) over all parts; NaN where they hold no value."""
    known = [part for part in parts if part.count]
    count = sum(part.count for part in known)
    if count == 0:
        return math.nan
    mean = sum(part.count * part.mean for part in known) / count
    squares = sum(part.deviation + part.count * (part.mean - mean) ** 2 for part in known)
    return math.sqrt(squares / count) if math.isfinite(squares) else math.nan


def _inner_sides(displacement: NDArray[np.float32]) -> tuple[int, ...]:
    return tuple(max(side - 2 * CROP, 0) for side in displacement.shape[:3])


def _tile_determinants(displacement: NDArray[np.float32], tile: Tile) -> NDArray[np.float64]:
    """Determinants of a tile of the cropped grid."""
    x, y = (slice(side.start + CROP - 1, side.stop + CROP + 1) for side in tile)
    block = displacement[x, y, CROP - 1 : 1 - CROP]
    return _determinants(np.moveaxis(block, -1, 0).astype(np.float64, order="C"))


def jacobian_determinants(displacement: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns det(I + grad u) by central differences, in voxel units.

    Args:
        displacement: u, shape (X, Y, Z, 3), voxels.

    Returns:
        Determinants (X - 4, Y - 4, Z - 4): two voxels are cropped at each face. Empty if a side is below 5.
    """
    determinants = np.empty(_inner_sides(displacement), dtype=np.float64)
    for tile in tiles(determinants.shape, _PLANES, _ROWS):
        determinants[tile] = _tile_determinants(displacement, tile)
    return determinants


def _determinants(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Determinants of the inner voxels of a block u (3, A, B, C) that has one voxel more at each face."""
    inner = slice(1, -1)
    # du[a][i] is the derivative of component i along axis a; the identity is added on its diagonal.
    du = (
        u[:, 2:, inner, inner] - u[:, :-2, inner, inner],
        u[:, inner, 2:, inner] - u[:, inner, :-2, inner],
        u[:, inner, inner, 2:] - u[:, inner, inner, :-2],
    )
    for axis in range(3):
        np.multiply(du[axis], 0.5, out=du[axis])
        du[axis][axis] += 1.0
    (a, b, c), (d, e, f), (g, h, i) = du
    determinants: NDArray[np.float64] = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    return determinants


def regularity(
    displacement: NDArray[np.float32],
    mask: NDArray[np.integer] | None = None,
    *,
    log_offset: float = 3.0,
    log_clip: tuple[float, float] = (1e-9, 1e9),
    spread: Spread = in_turn,
) -> Regularity:
    """Scores the regularity of a displacement.

    Args:
        displacement: u, shape (X, Y, Z, 3), voxels.
        mask: Mask (X, Y, Z) of the fixed image; both SDlogJ look only at voxels where it is exactly 1.
        log_offset: What the official number adds to the determinant.
        log_clip: The limits it clips the sum to.
        spread: How the tiles of the volume are processed.

    Returns:
        The numbers; NaN where no voxel is left to look at.
    """
    sides = _inner_sides(displacement)
    inside = None if mask is None else mask[CROP:-CROP, CROP:-CROP, CROP:-CROP] == 1

    def measured(tile: Tile) -> tuple[_Moments, _Moments, int]:
        determinants = _tile_determinants(displacement, tile)
        folds = int(np.count_nonzero(determinants <= 0))
        values = determinants.reshape(-1) if inside is None else determinants[inside[tile]]
        official = _Moments.of_logs(values + log_offset, log_clip)
        return official, _Moments.of_logs(values, _PLAIN_CLIP), folds

    parts = list(spread(measured, tiles(sides, _PLANES, _ROWS)))
    return Regularity(
        sdlogj=_deviation(official for official, _, _ in parts),
        sdlogj_plain=_deviation(plain for _, plain, _ in parts),
        fold_fraction=sum(folds for _, _, folds in parts) / math.prod(sides) if parts else math.nan,
        ndv_fraction=non_diffeomorphic_volume(displacement, spread=spread),
    )
