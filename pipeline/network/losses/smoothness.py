"""Roughness of a displacement or velocity: squared first or second differences."""

import torch

from pipeline.typing import Float, Tensor

__all__ = ["bending_loss", "gradient_loss"]


def gradient_loss(field: Float[Tensor, "B 3 X Y Z"]) -> Float[Tensor, ""]:
    """Mean squared forward difference of a field in voxels, averaged over the three axes."""
    terms = [torch.diff(field, dim=axis).square().mean() for axis in (2, 3, 4)]
    return torch.stack(terms).mean()


def bending_loss(field: Float[Tensor, "B 3 X Y Z"]) -> Float[Tensor, ""]:
    """Bending energy: squared second derivatives over all pairs of axes, mean over voxels and components.

    Affine fields cost nothing (Rueckert et al. 1999, Eq. 7). MONAI's loss is the same on quadratic fields,
    but its mixed differences skip a voxel and miss what alternates, and its import takes six seconds.

    Args:
        field: in voxels; at least three a side.
    """
    energy = field.new_zeros(())
    for axis in (2, 3, 4):
        energy = energy + torch.diff(field, n=2, dim=axis).square().mean()
        for other in range(axis + 1, 5):
            mixed = torch.diff(torch.diff(field, dim=axis), dim=other)
            energy = energy + 2 * mixed.square().mean()
    return energy
