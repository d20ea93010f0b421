"""MIND-SSC: descriptors of an image that do not depend on what tissue is bright in it."""

import torch
import torch.nn.functional as F

from pipeline.network.separable import box_mean
from pipeline.typing import Float, Tensor

__all__ = ["CHANNELS", "features", "mind_ssc"]

CHANNELS = 12
# Variances are kept within so many times their mean over the image.
_LEAST, _MOST = 1e-3, 1e3
# The six neighbours of a voxel, as steps from the corner of the cube around it.
_NEIGHBOURS = ((0, 1, 1), (1, 1, 0), (1, 0, 1), (1, 1, 2), (2, 1, 1), (1, 2, 1))


# Of a region beside the 12 descriptors of a voxel.
_REGION_WEIGHT = 1.5


def features(
    image: Float[Tensor, "1 1 X Y Z"], regions: Float[Tensor, "1 N X Y Z"] | None
) -> Float[Tensor, "1 C X Y Z"]:
    """What a search compares: descriptors of small patches, and regions as further channels."""
    descriptors = mind_ssc(image, radius=1, dilation=1)
    return descriptors if regions is None else torch.cat([descriptors, _REGION_WEIGHT * regions], dim=1)


def mind_ssc(image: Float[Tensor, "1 1 X Y Z"], radius: int, dilation: int) -> Float[Tensor, "1 12 X Y Z"]:
    """Self-similarities of the patches around each voxel, each in 0..1.

    For each of the 12 pairs of face neighbours at a right angle, exp(-D / V): D is the mean squared
    difference of the patches around the two neighbours, less the smallest of the 12; V is the mean of the 12.

    Args:
        image: In 0..1.
        radius: Of a patch, whose side is 2 radius + 1 voxels.
        dilation: Distance of a neighbour in voxels.

    References:
        Heinrich et al. 2013, Towards realtime multimodal fusion for image-guided interventions using
        self-similarities, https://doi.org/10.1007/978-3-642-40811-3_24
    """
    padded = F.pad(image, [dilation] * 6, mode="replicate")
    x, y, z = image.shape[2:]
    moved = [
        padded[:, :, a : a + x, b : b + y, c : c + z]
        for a, b, c in (tuple(dilation * step for step in steps) for steps in _NEIGHBOURS)
    ]
    squares = torch.cat([(moved[i] - moved[j]).square() for i, j in _right_angles()], dim=1)
    differences = box_mean(squares, 2 * radius + 1)
    differences = differences - differences.amin(1, keepdim=True)
    variance = differences.mean(1, keepdim=True)
    mean = variance.mean()
    variance = variance.clamp(mean * _LEAST, mean * _MOST).clamp(min=torch.finfo(variance.dtype).tiny)
    return torch.exp(-differences / variance)


def _right_angles() -> list[tuple[int, int]]:
    """The pairs of neighbours that do not lie opposite each other."""
    pairs = []
    for i, one in enumerate(_NEIGHBOURS):
        for j, other in enumerate(_NEIGHBOURS[:i]):
            if sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) == 2:
                pairs.append((j, i))
    return pairs
