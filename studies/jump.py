"""How sharply a displacement jumps where two bodies slide along each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pipeline.network.warp import warp
from pipeline.train.quality import hard_dice
from pipeline.typing import Float, Tensor
from studies.sliding import REGIONS, SlidingPair

__all__ = ["DISTANCES", "FIGURES", "Result", "border_profile", "figures_of", "jump_width"]

REACH = 6
DISTANCES = tuple(k + 0.5 for k in range(-REACH, REACH))
"""Of the voxels of a profile from the border, in voxels."""
NEAR = 3
"""A voxel nearer than this is near the border."""
LEAST_JUMP = 0.1
"""A share of the true jump; below it there is no jump to measure the width of."""
FIGURES = {
    "jump at once": "share of the true jump between the two voxels that touch the border [%]",
    "jump in all": f"share of the true jump between {REACH} voxels before and after the border [%]",
    "width": "distance over which 10 to 90 % of the displacement's own jump happen [voxels]",
    "error near": f"mean end-point error in the bodies within {NEAR} voxels of the border [voxels]",
    "error elsewhere": "the same beyond [voxels]",
    "Dice": "mean of the two bodies after warping by the nearest voxel",
}
"""What `figures_of` gives, in its order."""


@dataclass(frozen=True, eq=False)
class Result:
    """What one displacement of one held-out pair shows.

    Attributes:
        method: what it is by: a network, the network kept from seeing the regions, or a reference.
        seed: of the training; None where nothing is trained.
        sample: number of the held-out pair.
        figures: see `FIGURES`.
        profile: along the slide, at `DISTANCES`, as a share of the bodies' own motion: -1 to 1 in truth.
        displacement: u, (1, 3, X, Y, Z) voxels.
    """

    method: str
    seed: int | None
    sample: int
    figures: Mapping[str, float]
    profile: np.ndarray
    displacement: torch.Tensor


def figures_of(displacement: Float[Tensor, "1 3 X Y Z"], pair: SlidingPair) -> dict[str, float]:
    """All `FIGURES` of a displacement of the pair."""
    profile = border_profile(displacement, pair)
    jump = 2 * float(pair.slide.norm())
    before, after = _plateaus(profile)
    error = (displacement - pair.displacement).norm(dim=1)[0]
    fixed, moving = pair.fixed.sample.labels, pair.moving.sample.labels
    near = _distance(pair) < NEAR
    body = fixed[0] > 0
    warped = warp(moving[:, None].float(), displacement, mode="nearest")[:, 0].round().long()
    values = (
        100 * (profile[REACH] - profile[REACH - 1]) / jump,
        100 * (after - before) / jump,
        jump_width(profile, jump),
        error[body & near].mean().item(),
        error[body & ~near].mean().item(),
        hard_dice(warped, fixed, REGIONS),
    )
    return dict(zip(FIGURES, map(float, values), strict=True))


def border_profile(displacement: Float[Tensor, "1 3 X Y Z"], pair: SlidingPair) -> np.ndarray:
    """Mean displacement along the slide at each of `DISTANCES`, in voxels; the truth rises from -a to a.

    The mean is over those lines across the border that are in the bodies all along, so that every
    distance sees the same ones.
    """
    across = slice(pair.border - REACH, pair.border + REACH)
    labels = pair.fixed.sample.labels[0, across]
    inside = (labels[:REACH] == 1).all(0) & (labels[REACH:] == 2).all(0)
    along = torch.einsum("cxyz,c->xyz", displacement[0, :, across], pair.slide / pair.slide.norm())
    return along[:, inside].mean(1).double().numpy()


def jump_width(profile: Sequence[float] | np.ndarray, true_jump: float) -> float:
    """Distance over which a profile goes from 10 to 90 % of its own jump, linear between voxels.

    A sharp step has 0.8: it happens between two voxels that are one apart.

    Args:
        profile: displacement at `DISTANCES`; the mean of its two outermost voxels is its level on a side.
        true_jump: in voxels.

    Returns:
        Voxels; NaN where the profile rises by less than a tenth of the true jump.
    """
    before, after = _plateaus(np.asarray(profile))
    if after - before < LEAST_JUMP * true_jump:
        return float("nan")
    risen = (np.asarray(profile) - before) / (after - before)
    end = _first_above(risen, 0.9)
    # Backwards from there, what falls below 10 % first is where the jump begins.
    start = _first_above(1 - risen[: int(np.ceil(end)) + 1][::-1], 0.9)
    return float(end - (np.ceil(end) - start))


def _first_above(values: np.ndarray, level: float) -> float:
    """Where, counted in values, the line through them first reaches the level."""
    index = int(np.argmax(values >= level))
    if index == 0:
        return 0.0
    low, high = values[index - 1], values[index]
    return index - 1 + (level - low) / (high - low)


def _plateaus(profile: np.ndarray) -> tuple[float, float]:
    return float(profile[:2].mean()), float(profile[-2:].mean())


def _distance(pair: SlidingPair) -> Float[Tensor, "X 1 1"]:
    return (torch.arange(pair.displacement.shape[2]) - pair.border + 0.5).abs()[:, None, None]
