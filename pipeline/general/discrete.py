"""The discrete stage: a dense search over displacements of coarse cells, made smooth by convex steps."""

import itertools

import torch
import torch.nn.functional as F

from pipeline.general.config import DiscreteConfig
from pipeline.network.separable import box_mean
from pipeline.network.warp import upsample_displacement, warp
from pipeline.typing import Float, Tensor

__all__ = ["consistent", "coupled_convex", "discrete_displacement"]

# How strongly choice and smooth field are held together, step by step.
_COUPLING = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
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
    cost = _costs(moving, fixed, config.reach)
    steps = torch.arange(-config.reach, config.reach + 1, dtype=fixed.dtype, device=fixed.device)
    smooth = torch.zeros_like(fixed[:, :3])
    for strength in _COUPLING:
        distance = (steps.view(1, -1, 1, 1, 1) - smooth.movedim(0, 1)).square_()
        smooth = _smoothed(_cheapest(cost, distance.mul_(strength * config.coupling), steps))
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
) -> Float[Tensor, "D D D U V W"]:
    """What each step costs in each cell, averaged over its neighbours, but for a number a cell.

    That is |m|^2 - 2 m f, which leaves |f|^2 out, the same for all steps: products of small matrices, a
    column of the fixed image with one of the moving image, are several times as fast as differences.
    """
    x, y, z = fixed.shape[2:]
    wide = 2 * reach + 1
    padded = F.pad(moving, [reach] * 6, mode="replicate")[0]
    there, here = padded.permute(1, 2, 0, 3).contiguous(), -2 * fixed[0].permute(1, 2, 3, 0)
    squares = padded.square().sum(0)
    cost = fixed.new_empty(wide, wide, wide, x, y, z)
    for a, b in itertools.product(range(wide), repeat=2):
        near = slice(a, a + x), slice(b, b + y)
        products = torch.matmul(here, there[near]) + squares[near].unsqueeze(2)
        # Cell z meets the cells z to z + wide - 1 of the padded column.
        cost[a, b] = products.unfold(3, z, 1).diagonal(dim1=2, dim2=4).movedim(2, 0)
    return box_mean(cost.flatten(0, 2)[None], 3).view(cost.shape)


def _cheapest(
    cost: Float[Tensor, "D D D U V W"], distance: Float[Tensor, "3 D U V W"], steps: Float[Tensor, "D"]
) -> Float[Tensor, "1 3 U V W"]:
    """The step of each cell with the least cost and distance together."""
    wide = len(steps)
    in_plane = (distance[1].unsqueeze(1) + distance[2]).flatten(0, 1)
    # One plane of steps at a time: it stays in the processor's cache.
    planes = [torch.min((cost[a].flatten(0, 1) + in_plane).add_(distance[0, a]), dim=0) for a in range(wide)]
    first = torch.stack([plane.values for plane in planes]).argmin(0)
    rest = torch.stack([plane.indices for plane in planes]).gather(0, first[None])[0]
    return steps[torch.stack([first, rest // wide, rest % wide])][None]


def _smoothed(field: Float[Tensor, "1 3 U V W"]) -> Float[Tensor, "1 3 U V W"]:
    for _ in range(2):
        field = F.avg_pool3d(F.pad(field, [1] * 6, mode="replicate"), 3, stride=1)
    return field
