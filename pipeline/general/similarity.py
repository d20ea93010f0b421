"""How like two images are, by intensities or by descriptors, at one level of resolution."""

from collections.abc import Callable
from typing import Literal

import torch

from pipeline.general.descriptors import mind_ssc
from pipeline.network.correlation import LocalCorrelation
from pipeline.typing import Float, Tensor

__all__ = ["Compared", "Similarity"]

Compared = Literal["correlation", "descriptors"]
Loss = Callable[[Tensor], Tensor]
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
        if kind == "descriptors":
            moving, fixed = (mind_ssc(image, _RADIUS, _DILATION) for image in (moving, fixed))
        self.moving = moving
        self.fixed = fixed
        self.kind = kind
        self.window = window
        self.epsilon = contrast * window**6
        self.loss = self.weighted(weight)

    def weighted(self, weight: Float[Tensor, "1 1 X Y Z"] | None) -> Loss:
        """How unlike the channels `moving`, warped, are the fixed ones: 0 for alike, 1 for nothing in common.

        Args:
            weight: Of each voxel of the fixed image; None weighs all alike.
        """
        if self.kind == "correlation":
            return LocalCorrelation(self.fixed, self.window, self.epsilon, weight)
        return _Difference(self.fixed, weight)


class _Difference:
    """Mean squared difference of descriptors."""

    def __init__(self, fixed: Float[Tensor, "1 C X Y Z"], weight: Float[Tensor, "1 1 X Y Z"] | None) -> None:
        self.fixed = fixed
        weight = torch.ones_like(fixed[:, :1]) if weight is None else weight
        self.weight = weight * (_SCALE / (fixed.shape[1] * weight.sum().clamp(min=1e-5)))

    def __call__(self, warped: Float[Tensor, "1 C X Y Z"]) -> Float[Tensor, ""]:
        return ((warped - self.fixed).square().sum(1, keepdim=True) * self.weight).sum()


_SCALE = 5.0
"""Of squared differences of descriptors, so that one weight of the smoothness suits both kinds."""
