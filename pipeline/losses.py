"""Training losses: Dice on warped one-hot labels, and squared gradients of a field."""

import torch
import torch.nn.functional as F

from pipeline.typing import Float, Int, Tensor

__all__ = ["dice_loss", "gradient_loss", "one_hot"]


def one_hot(labels: Int[Tensor, "B X Y Z"], regions: int) -> Float[Tensor, "B N X Y Z"]:
    """Label indices 0..regions-1 as one channel each."""
    return F.one_hot(labels, regions).movedim(-1, 1).float()


def dice_loss(
    warped: Float[Tensor, "B N X Y Z"], fixed: Float[Tensor, "B N X Y Z"], epsilon: float = 1e-5
) -> Float[Tensor, ""]:
    """1 - mean Dice over all classes, background included (models facts 1.6).

    Per class 2 sum(p t) / (sum p^2 + sum t^2 + epsilon); a class absent from both counts as 0.
    """
    axes = (2, 3, 4)
    overlap = 2 * (warped * fixed).sum(axes)
    size = warped.square().sum(axes) + fixed.square().sum(axes)
    return 1 - (overlap / (size + epsilon)).mean()


def gradient_loss(field: Float[Tensor, "B 3 X Y Z"]) -> Float[Tensor, ""]:
    """Mean squared forward difference of a field in voxels, averaged over the three axes."""
    terms = [torch.diff(field, dim=axis).square().mean() for axis in (2, 3, 4)]
    return torch.stack(terms).mean()
