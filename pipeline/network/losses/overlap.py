"""Overlap of warped one-hot labels with fixed ones: Dice as the authors and as the challenge count it."""

import torch.nn.functional as F

from pipeline.typing import Float, Int, Tensor

__all__ = ["challenge_dice_loss", "dice_loss", "one_hot"]


def one_hot(labels: Int[Tensor, "B X Y Z"], regions: int) -> Float[Tensor, "B N X Y Z"]:
    """Label indices 0..regions-1 as one channel each."""
    return F.one_hot(labels, regions).movedim(-1, 1).float()


def dice_loss(
    warped: Float[Tensor, "B N X Y Z"], fixed: Float[Tensor, "B N X Y Z"], epsilon: float = 1e-5
) -> Float[Tensor, ""]:
    """1 - mean Dice over all classes, background included.

    Per class 2 sum(p t) / (sum p^2 + sum t^2 + epsilon); a class absent from both counts as 0.
    """
    return 1 - _dice(warped, fixed, epsilon).mean()


def challenge_dice_loss(
    warped: Float[Tensor, "B N X Y Z"], fixed: Float[Tensor, "B N X Y Z"], epsilon: float = 1e-5
) -> Float[Tensor, ""]:
    """1 - mean Dice over what the host scores: no background, no class absent from either side.

    A batch without any such class gives 0, with zero gradients.
    """
    scored = (warped.detach().amax((2, 3, 4)) > 0) & (fixed.amax((2, 3, 4)) > 0)
    scored[:, 0] = False
    lost = (1 - _dice(warped, fixed, epsilon)) * scored
    return lost.sum() / scored.sum().clamp(min=1)


def _dice(
    warped: Float[Tensor, "B N X Y Z"], fixed: Float[Tensor, "B N X Y Z"], epsilon: float
) -> Float[Tensor, "B N"]:
    axes = (2, 3, 4)
    overlap = 2 * (warped * fixed).sum(axes)
    size = warped.square().sum(axes) + fixed.square().sum(axes)
    return overlap / (size + epsilon)
