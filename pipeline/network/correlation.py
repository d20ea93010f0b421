"""Local correlation of two images.

The correlation is our own: MONAI's divides by clamped variances, so that empty background, most of a scan,
counts 1e5 a voxel; it has one resolution only; and its import takes six seconds.
"""

import torch
import torch.nn.functional as F

from pipeline.network.separable import box_mean, box_mean_transposed
from pipeline.typing import Float, Tensor

__all__ = ["LocalCorrelation", "multiscale_ncc_loss", "ncc_loss"]

EPSILON = 1e-5
"""Added to the product of two windows' sums of squares, as LapIRN does: flat windows are unlike anything."""


def ncc_loss(
    warped: Float[Tensor, "B C X Y Z"],
    fixed: Float[Tensor, "B C X Y Z"],
    window: int,
    epsilon: float = EPSILON,
    weight: Float[Tensor, "B 1 X Y Z"] | None = None,
) -> Float[Tensor, ""]:
    """1 - mean squared correlation of the two images in the cube of `window` voxels about each voxel.

    LapIRN's measure, but for the border, where LapIRN fills the cube up with
    zeros and we take the part of it that lies in the image, so that there, too, an affine change of grey
    is no difference.

    Args:
        warped: in 0..1.
        fixed: in 0..1.
        window: side of the cube in voxels, odd.
        epsilon: added to the product of the sums of squares of a full cube.
        weight: of each voxel in the mean; None weighs all alike.

    References:
        Mok and Chung 2020, Eq. 2, https://arxiv.org/abs/2006.16148
    """
    return LocalCorrelation(fixed, window, epsilon, weight)(warped)


class LocalCorrelation:
    """`ncc_loss` with one fixed image, of which all is summed up once.

    Args:
        fixed: in 0..1.
        window: as for `ncc_loss`.
        epsilon: the same.
        weight: the same.
    """

    def __init__(
        self,
        fixed: Float[Tensor, "B C X Y Z"],
        window: int,
        epsilon: float = EPSILON,
        weight: Float[Tensor, "B 1 X Y Z"] | None = None,
    ) -> None:
        self.window = window
        self.fixed = fixed
        self.mean, squares = box_mean(torch.cat([fixed, fixed * fixed]), window).chunk(2)
        # Rounding can leave a flat window a variance just below zero. Means, where LapIRN has sums.
        self.variance = (squares - self.mean * self.mean).clamp(min=0)
        self.epsilon = epsilon / window**6
        self.weight = None
        if weight is not None:
            self.weight = weight.expand_as(fixed) / weight.expand_as(fixed).sum().clamp(min=EPSILON)

    def __call__(self, warped: Float[Tensor, "B C X Y Z"]) -> Float[Tensor, ""]:
        """The loss of an image on the grid of the fixed one."""
        _, cross, variance = self._moments(warped)
        correlation = cross * cross / (variance * self.variance + self.epsilon)
        return 1 - (correlation.mean() if self.weight is None else (correlation * self.weight).sum())

    def slope(self, warped: Float[Tensor, "B C X Y Z"]) -> Float[Tensor, "B C X Y Z"]:
        """The derivative of the loss by each voxel of `warped`, without automatic differentiation."""
        mean, cross, variance = self._moments(warped)
        share = 1 / (variance * self.variance + self.epsilon)
        share = share / cross.numel() if self.weight is None else share * self.weight
        by_cross = -2 * cross * share
        # cross^2 / (variance * fixed variance + epsilon)^2, whose weight is in the last factor alone.
        by_variance = cross * cross * share / (variance * self.variance + self.epsilon) * self.variance
        maps = torch.cat([by_cross, by_variance, by_cross * self.mean + 2 * by_variance * mean])
        of_fixed, of_square, of_one = box_mean_transposed(maps, self.window).chunk(3)
        return of_fixed * self.fixed + 2 * of_square * warped - of_one

    def _moments(
        self, warped: Float[Tensor, "B C X Y Z"]
    ) -> tuple[Float[Tensor, "B C X Y Z"], Float[Tensor, "B C X Y Z"], Float[Tensor, "B C X Y Z"]]:
        """Mean, covariance with the fixed image, and variance, of each voxel's cube."""
        maps = torch.cat([warped, warped * warped, warped * self.fixed])
        mean, squares, products = box_mean(maps, self.window).chunk(3)
        return mean, products - mean * self.mean, (squares - mean * mean).clamp(min=0)


def multiscale_ncc_loss(
    warped: Float[Tensor, "B C X Y Z"], fixed: Float[Tensor, "B C X Y Z"], window: int, scales: int
) -> Float[Tensor, ""]:
    """Sum over scales s = 0, 1, .. of `ncc_loss` / 2^s, as LapIRN trains its finer levels.

    Every scale halves the images and takes two voxels off the window, so that 7 over three scales is
    followed by 5 and 3.

    Args:
        warped: in 0..1.
        fixed: in 0..1.
        window: at the finest scale; `window - 2 * (scales - 1)` is the coarsest one's.
        scales: how many.
    """
    total = ncc_loss(warped, fixed, window)
    for scale in range(1, scales):
        warped, fixed = (
            F.avg_pool3d(image, 3, stride=2, padding=1, count_include_pad=False) for image in (warped, fixed)
        )
        total = total + ncc_loss(warped, fixed, window - 2 * scale) / 2**scale
    return total
