"""The discrete stage: a dense search over displacements of coarse cells, made smooth by convex steps."""

import itertools

import torch
import torch.nn.functional as F

from pipeline.general.config import DiscreteConfig
from pipeline.network.warp import upsample_displacement, warp
from pipeline.typing import Float, Tensor

__all__ = ["consistent", "coupled_convex", "discrete_displacement"]

# How strongly choice and smooth field are held together, step by step.
_COUPLING = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_CONSISTENCY_STEPS = 15


def discrete_displacement(
    moving: Float[Tensor, "1 C X Y Z"], fixed: Float[Tensor, "1 C X Y Z"], config: DiscreteConfig
) -> Float[Tensor, "1 3 X Y Z"]:
    """The displacement u in voxels for which moving(x + u) is like fixed(x), of up to `reach` cells a side.

    It is searched for in both directions, and the two are brought to agree.

    Args:
        moving: Descriptors; every side divides by the cell.
        fixed: The same of the fixed image.
        config: Cell, reach and coupling.

    References:
        Heinrich, Papiez, Schnabel and Handels 2014, Non-parametric discrete registration with convex
        optimisation, https://doi.org/10.1007/978-3-319-08554-8_6; Siebert et al. 2021, Fast 3D registration
        with accurate optimisation and little learning for Learn2Reg 2021, https://arxiv.org/abs/2112.03053
    """
    there, here = (F.avg_pool3d(features, config.cell) for features in (moving, fixed))
    forward = coupled_convex(there, here, config)
    backward = coupled_convex(here, there, config)
    forward, _ = consistent(forward, backward)
    return upsample_displacement(forward * config.cell, fixed.shape[2:])


def coupled_convex(
    moving: Float[Tensor, "1 C U V W"], fixed: Float[Tensor, "1 C U V W"], config: DiscreteConfig
) -> Float[Tensor, "1 3 U V W"]:
    """The displacement of each cell, in cells: in turn the best choice of every cell, and a smooth field.

    Args:
        moving: Features of the cells.
        fixed: The same of the fixed image.
        config: Reach and coupling.
    """
    cost, steps = _costs(moving, fixed, config.reach)

    def chosen(index: Tensor) -> Tensor:
        return _smoothed(steps[index].movedim(-1, 0)[None])

    smooth = chosen(cost.argmin(0))
    for strength in _COUPLING:
        # The squared distance of every step to the smooth field, summed axis by axis in place.
        total = cost.clone()
        for axis in range(3):
            distance = (steps[:, axis].view(-1, 1, 1, 1) - smooth[0, axis]).square_()
            total.add_(distance, alpha=strength * config.coupling)
        smooth = chosen(total.argmin(0))
    return smooth


def consistent(
    forward: Float[Tensor, "1 3 U V W"], backward: Float[Tensor, "1 3 U V W"]
) -> tuple[Float[Tensor, "1 3 U V W"], Float[Tensor, "1 3 U V W"]]:
    """Two displacements of opposite directions, each brought half way to the other's inverse, repeatedly."""
    for _ in range(_CONSISTENCY_STEPS):
        forward, backward = (
            0.5 * (forward - warp(backward, forward, padding="border")),
            0.5 * (backward - warp(forward, backward, padding="border")),
        )
    return forward, backward


def _costs(
    moving: Float[Tensor, "1 C U V W"], fixed: Float[Tensor, "1 C U V W"], reach: int
) -> tuple[Float[Tensor, "D U V W"], Float[Tensor, "D 3"]]:
    """What each of D steps costs in each cell, averaged over its neighbours, and the steps in cells."""
    x, y, z = fixed.shape[2:]
    padded = F.pad(moving, [reach] * 6, mode="replicate")
    offsets = list(itertools.product(range(2 * reach + 1), repeat=3))
    cost = fixed.new_empty(len(offsets), x, y, z)
    for number, (a, b, c) in enumerate(offsets):
        seen = padded[:, :, a : a + x, b : b + y, c : c + z]
        cost[number] = (seen - fixed).square().sum((0, 1))
    cost = F.avg_pool3d(cost[None], 3, stride=1, padding=1, count_include_pad=False)[0]
    steps = torch.tensor(offsets, dtype=fixed.dtype, device=fixed.device) - reach
    return cost, steps


def _smoothed(field: Float[Tensor, "1 3 U V W"]) -> Float[Tensor, "1 3 U V W"]:
    for _ in range(2):
        field = F.avg_pool3d(F.pad(field, [1] * 6, mode="replicate"), 3, stride=1)
    return field
