"""How like two images are, by intensities or by descriptors, at one level of resolution."""

from typing import Literal

import torch

from pipeline.general.descriptors import mind_ssc
from pipeline.network.losses import ncc_loss
from pipeline.typing import Float, Tensor

__all__ = ["Compared", "Similarity"]

Compared = Literal["correlation", "descriptors"]
# Of the descriptors on levels of the pyramid: small patches, since a level is smooth already.
_RADIUS, _DILATION = 1, 1


class Similarity:
    """A pair at one level: the channels that are warped, and what they are compared with.

    Args:
        moving: In 0..1.
        fixed: In 0..1, on the grid of the displacement.
        kind: What is compared.
        window: Side of the correlation's window in voxels.
        contrast: Product of the two variances in a window, of intensities in 0..1, below which structure
            counts as noise.
        weight: Of each voxel of the fixed image; None weighs all alike.
    """

    def __init__(
        self,
        moving: Float[Tensor, "1 1 U V W"],
        fixed: Float[Tensor, "1 1 X Y Z"],
        kind: Compared,
        window: int,
        contrast: float,
        weight: Float[Tensor, "1 1 X Y Z"] | None = None,
    ) -> None:
        self.kind = kind
        self.window = window
        self.epsilon = contrast * window**6
        self.weight = weight
        descriptors = kind == "descriptors"
        self.moving = mind_ssc(moving, _RADIUS, _DILATION) if descriptors else moving
        self.fixed = mind_ssc(fixed, _RADIUS, _DILATION) if descriptors else fixed

    def loss(self, warped: Float[Tensor, "1 C X Y Z"]) -> Float[Tensor, ""]:
        """0 for alike, 1 for nothing in common.

        Args:
            warped: The channels `moving`, warped.
        """
        if self.kind == "correlation":
            return ncc_loss(warped, self.fixed, self.window, self.epsilon, self.weight)
        squares = (warped - self.fixed).square()
        if self.weight is None:
            return squares.mean() * _SCALE
        weight = self.weight.expand_as(squares)
        return (squares * weight).sum() / weight.sum().clamp(min=torch.finfo(weight.dtype).tiny) * _SCALE


_SCALE = 5.0
"""Of squared differences of descriptors, so that one weight of the smoothness suits both kinds."""
