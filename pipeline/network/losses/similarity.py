"""Similarity of the warped moving image to the fixed one: squared differences and local correlation.

The correlation is our own: MONAI's divides by clamped variances, so that empty background, most of a scan,
counts 1e5 a voxel; it has one resolution only; and its import takes six seconds.
"""

import torch
import torch.nn.functional as F

from pipeline.typing import Float, Tensor

__all__ = ["mse_loss", "multiscale_ncc_loss", "ncc_loss"]

EPSILON = 1e-5
"""Added to the product of two windows' sums of squares, as LapIRN does: flat windows are unlike anything."""


def mse_loss(warped: Float[Tensor, "B C X Y Z"], fixed: Float[Tensor, "B C X Y Z"]) -> Float[Tensor, ""]:
    """Mean squared difference."""
    return (warped - fixed).square().mean()


def ncc_loss(
    warped: Float[Tensor, "B C X Y Z"], fixed: Float[Tensor, "B C X Y Z"], window: int
) -> Float[Tensor, ""]:
    """1 - mean squared correlation of the two images in the cube of `window` voxels about each voxel.

    LapIRN's measure (Mok and Chung 2020, Eq. 2), but for the border, where LapIRN fills the cube up with
    zeros and we take the part of it that lies in the image, so that there, too, an affine change of grey
    is no difference.

    Args:
        warped: in 0..1.
        fixed: in 0..1.
        window: side of the cube in voxels, odd.
    """
    maps = torch.cat([warped, fixed, warped * warped, fixed * fixed, warped * fixed], dim=1)
    means = _box_mean(maps, window)
    a, b, aa, bb, ab = means.chunk(5, dim=1)
    # Sums over a full cube, in which LapIRN states its epsilon.
    cross, var_a, var_b = ((p - q) * window**3 for p, q in ((ab, a * b), (aa, a * a), (bb, b * b)))
    # Rounding can leave a flat window a variance just below zero.
    return 1 - (cross.square() / (var_a.clamp(min=0) * var_b.clamp(min=0) + EPSILON)).mean()


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


def _box_mean(maps: Float[Tensor, "B C X Y Z"], window: int) -> Float[Tensor, "B C X Y Z"]:
    """Mean over the part of each voxel's cube that lies in the volume, one axis after the other."""
    for axis in range(3):
        kernel = [window if axis == i else 1 for i in range(3)]
        padding = [side // 2 for side in kernel]
        maps = F.avg_pool3d(maps, kernel, stride=1, padding=padding, count_include_pad=False)
    return maps
