"""Trilinear resizing and sampling whose gradients are the same bytes every time on a GPU.

torch's own backward passes add by atomic operations there, in an order that changes from run to run. The
forward passes are torch's. On a CPU the gradient of resizing is several times as fast as torch's, too.
"""

from itertools import product
from typing import Any

import torch
import torch.nn.functional as F

from pipeline.network.separable import along_axes
from pipeline.typing import Float, Int, Tensor

__all__ = ["GridSample", "Resize", "resized"]

_PADDINGS = {"zeros": 0, "border": 1}
"""Numbers of `grid_sample`'s padding modes; trilinear interpolation is its mode 0."""

_UNITS = 2.0**36
"""Of the largest gradient: 2**26 of that size, eight from each voxel of a large scan, still fit 63 bits."""


def resized(volume: Float[Tensor, "B C U V W"], shape: tuple[int, ...]) -> Float[Tensor, "B C X Y Z"]:
    """Trilinear interpolation between voxel centres whose outermost edges coincide, on any device."""
    result: Tensor = Resize.apply(volume, shape)
    return result


class Resize(torch.autograd.Function):
    """`resized` with a backward pass by matrices: what it does along one axis is linear."""

    @staticmethod
    def forward(ctx: Any, volume: Tensor, shape: tuple[int, ...]) -> Tensor:  # noqa: ANN401
        """(B, C, U, V, W) to (B, C, *shape)."""
        ctx.sides = volume.shape[2:]
        return F.interpolate(volume, size=tuple(shape), mode="trilinear", align_corners=False)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        """The transposed matrices, applied in float32."""
        (gradient,) = gradients
        axes = zip(ctx.sides, gradient.shape[2:], strict=True)
        matrices = [_axis_matrix(*axis, device=gradient.device) for axis in axes]
        return along_axes(gradient.float(), matrices).to(gradient.dtype), None


class GridSample(torch.autograd.Function):
    """`grid_sample`, trilinear, from corner to corner, with gradients that are added as whole numbers.

    The order of additions does not matter to whole numbers, so atomic operations may come as they like.
    """

    @staticmethod
    def forward(ctx: Any, volume: Tensor, grid: Tensor, padding: str) -> Tensor:  # noqa: ANN401
        """Values of (B, C, X, Y, Z) at the positions (B, U, V, W, 3) of `grid_sample`'s units."""
        ctx.save_for_backward(volume, grid)
        ctx.padding = padding
        return F.grid_sample(volume, grid, padding_mode=padding, align_corners=True)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:  # noqa: ANN401
        """Those of the volume and of the grid."""
        (gradient,) = gradients
        volume, grid = ctx.saved_tensors
        of_volume, of_grid = None, None
        if ctx.needs_input_grad[0]:
            of_volume = _spread(gradient, grid, volume.shape[2:], ctx.padding)
        if ctx.needs_input_grad[1]:
            # torch's own: each position has a thread of its own that adds over channels and corners.
            _, of_grid = torch.ops.aten.grid_sampler_3d_backward(
                gradient.contiguous(), volume, grid, 0, _PADDINGS[ctx.padding], True, [False, True]
            )
        return of_volume, of_grid, None


def _axis_matrix(side: int, target: int, device: torch.device) -> Float[Tensor, "S T"]:
    """Share of each of `side` samples in each of `target` ones: the interpolated identity."""
    identity = torch.eye(side, device=device)[None]
    return F.interpolate(identity, size=target, mode="linear", align_corners=False)[0]


def _spread(
    gradient: Float[Tensor, "B C U V W"], grid: Float[Tensor, "B U V W 3"], shape: torch.Size, padding: str
) -> Float[Tensor, "B C X Y Z"]:
    """Each gradient handed to the eight voxels around its position, by their shares in the sample there."""
    unit = (gradient.abs().amax() / _UNITS).clamp(min=torch.finfo(gradient.dtype).tiny)
    flat = gradient.flatten(2)
    total = torch.zeros(*flat.shape[:2], shape.numel(), dtype=torch.int64, device=gradient.device)
    positions = [_position(grid[..., 2 - axis], side, padding) for axis, side in enumerate(shape)]
    for corner in product((0, 1), repeat=3):
        index, share = _corner(positions, shape, corner)
        units = (flat * (share / unit)[:, None]).round().long()
        total.scatter_add_(2, index[:, None].expand_as(units), units)
    return (total.double() * unit).to(gradient.dtype).unflatten(2, shape)


def _position(
    norm: Float[Tensor, "B U V W"], side: int, padding: str
) -> tuple[Int[Tensor, "B P"], Float[Tensor, "B P"]]:
    """Voxel below each position along one axis, and how far the position is beyond it."""
    position = (norm.flatten(1) + 1) / 2 * (side - 1)
    if padding == "border":
        position = position.clamp(0, side - 1)
    lower = position.floor()
    return lower.long(), position - lower


def _corner(
    positions: list[tuple[Int[Tensor, "B P"], Float[Tensor, "B P"]]],
    shape: torch.Size,
    corner: tuple[int, ...],
) -> tuple[Int[Tensor, "B P"], Float[Tensor, "B P"]]:
    """Number of one of the eight voxels around each position, and its share; none where it is outside."""
    index, share = torch.zeros_like(positions[0][0]), torch.ones_like(positions[0][1])
    for (lower, beyond), side, step in zip(positions, shape, corner, strict=True):
        at = lower + step
        inside = (at >= 0) & (at < side)
        share = share * (beyond if step else 1 - beyond) * inside
        index = index * side + at.clamp(0, side - 1)
    return index, share
