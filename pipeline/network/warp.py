"""Displacements applied, composed, integrated and resized.

The one place that knows the coordinates of `grid_sample`.
"""

import torch
import torch.nn.functional as F

from pipeline.network.gradients import GridSample, resized
from pipeline.typing import Float, Tensor

__all__ = ["compose", "identity_grid", "integrate", "sample", "upsample_displacement", "warp"]

_SLABS = 4
"""On a CPU `grid_sample` gives each volume one thread; slabs of the first axis, as volumes, occupy several.

The number is fixed, so that sums in gradients do not depend on the number of threads."""


def identity_grid(like: Float[Tensor, "B C X Y Z"]) -> Float[Tensor, "1 3 X Y Z"]:
    """Voxel index of every voxel of `like`'s grid, component i along array axis i."""
    axes = [torch.arange(n, device=like.device, dtype=like.dtype) for n in like.shape[2:]]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).unsqueeze(0)


def warp(
    moving: Float[Tensor, "B C X Y Z"],
    displacement: Float[Tensor, "B 3 U V W"],
    *,
    mode: str = "bilinear",
    padding: str = "zeros",
) -> Float[Tensor, "B C U V W"]:
    """Pull `moving` back: `warped(p) = moving(p + u(p))`, both in voxels of the moving grid.

    Args:
        moving: the volume to sample.
        displacement: u in voxels, component i along array axis i.
        mode: `bilinear` (trilinear in 3-D) or `nearest`.
        padding: `zeros` outside the volume as the challenge host does, or `border`.

    Examples:
        Every voxel looks one voxel further along the first axis, so that the content moves one back:

        >>> import torch
        >>> moving = torch.arange(4.0).view(1, 1, 4, 1, 1)
        >>> displacement = torch.zeros(1, 3, 4, 1, 1)
        >>> displacement[:, 0] = 1
        >>> warp(moving, displacement).flatten().tolist()
        [1.0, 2.0, 3.0, 0.0]
    """
    return sample(moving, identity_grid(displacement) + displacement, mode=mode, padding=padding)


def sample(
    volume: Float[Tensor, "B C X Y Z"],
    deformation: Float[Tensor, "B 3 U V W"],
    *,
    mode: str = "bilinear",
    padding: str = "zeros",
) -> Float[Tensor, "B C U V W"]:
    """Values of `volume` at the voxel positions `deformation` (an absolute map, not a displacement)."""
    grid = _grid_sample_coordinates(deformation, volume.shape[2:])
    slabs = _SLABS if len(grid) == 1 and grid.shape[1] % _SLABS == 0 and grid.device.type == "cpu" else 1
    if slabs > 1:
        grid = grid.reshape(slabs, -1, *grid.shape[2:])
        volume = volume.expand(slabs, *volume.shape[1:])
    if mode == "bilinear" and volume.requires_grad and grid.device.type != "cpu":
        sampled: Tensor = GridSample.apply(volume, grid, padding)
    else:
        sampled = F.grid_sample(volume, grid, mode=mode, padding_mode=padding, align_corners=True)
    return sampled.transpose(0, 1).reshape(len(deformation), volume.shape[1], *deformation.shape[2:])


def _grid_sample_coordinates(
    deformation: Float[Tensor, "B 3 U V W"], shape: torch.Size
) -> Float[Tensor, "B U V W 3"]:
    """`grid_sample` wants the last array axis first, and -1..1 from first to last voxel centre."""
    # A side of one voxel has only position 0; any finite scale does.
    half = deformation.new_tensor([max(n - 1, 1) / 2 for n in reversed(shape)]).view(1, 3, 1, 1, 1)
    normalised = torch.addcdiv(deformation.new_full((1, 1, 1, 1, 1), -1), deformation.flip(1), half)
    return normalised.permute(0, 2, 3, 4, 1)


def compose(
    first: Float[Tensor, "B 3 X Y Z"], then: Float[Tensor, "B 3 X Y Z"]
) -> Float[Tensor, "B 3 X Y Z"]:
    """The displacement that warps as `first` and then `then` do: w(p) = then(p) + first(p + then(p)).

    Border padding: beyond the edge the displacement goes on as at the edge.

    Examples:
        >>> import torch
        >>> one, two = torch.full((1, 3, 4, 4, 4), 1.0), torch.full((1, 3, 4, 4, 4), 2.0)
        >>> compose(one, two).unique().tolist()
        [3.0]
    """
    return then + warp(first, then, padding="border")


def integrate(velocity: Float[Tensor, "B 3 X Y Z"], steps: int = 7) -> Float[Tensor, "B 3 X Y Z"]:
    """exp(v) - id: start from `v / 2**steps`, then `steps` times `u <- u + u o (id + u)`.

    Border padding keeps a constant velocity exact up to the edge, where zeros padding would bend it.

    Args:
        velocity: v in voxels of its own grid per unit time.
        steps: number of squarings; 0 returns v itself.

    Examples:
        A velocity that is the same everywhere is its own displacement:

        >>> import torch
        >>> integrate(torch.full((1, 3, 4, 4, 4), 0.5)).unique().tolist()
        [0.5]

    References:
        Arsigny et al. 2006, https://doi.org/10.1007/11866565_113; textSCF section "Int", T = 7,
        https://arxiv.org/abs/2311.15607
    """
    displacement = velocity / 2**steps
    for _ in range(steps):
        displacement = compose(displacement, displacement)
    return displacement


def upsample_displacement(
    displacement: Float[Tensor, "B 3 U V W"], shape: torch.Size | tuple[int, int, int]
) -> Float[Tensor, "B 3 X Y Z"]:
    """Trilinear resize of a displacement whose values are already voxels of the target grid.

    The geometry is that of the strided decoder (`align_corners=False`); values are not rescaled.
    """
    if displacement.shape[2:] == torch.Size(shape):
        return displacement
    return resized(displacement, shape)
