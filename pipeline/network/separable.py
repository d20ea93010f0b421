"""Linear maps of volumes that are made of one matrix an axis: means over cubes, and Gaussian means.

On a CPU such products take a tenth of the time of average pooling, and less than convolutions.
"""

from collections.abc import Sequence
from functools import lru_cache

import torch

from pipeline.typing import Float, Tensor

__all__ = ["along_axes", "box_mean", "box_mean_transposed", "gaussian_mean"]

_CUT_OFF = 4.0


def along_axes(maps: Float[Tensor, "B C X Y Z"], matrices: Sequence[Tensor]) -> Float[Tensor, "B C U V W"]:
    """A matrix applied along each axis: (U, X), (V, Y) and (W, Z)."""
    x, y, z = matrices
    along_yz = torch.matmul(y, torch.matmul(maps, z.T))
    along_all = torch.matmul(x, along_yz.flatten(3))
    return along_all.view(*maps.shape[:2], *(len(matrix) for matrix in matrices))


def box_mean(maps: Float[Tensor, "B C X Y Z"], window: int) -> Float[Tensor, "B C X Y Z"]:
    """Mean over the part of each voxel's cube of `window` voxels that lies in the volume."""
    return along_axes(maps, [_box_matrix(side, window, maps.dtype, maps.device) for side in maps.shape[2:]])


def gaussian_mean(maps: Float[Tensor, "B C X Y Z"], sigma: float) -> Float[Tensor, "B C X Y Z"]:
    """Gaussian mean over the voxels of the volume, cut off at four times sigma.

    Our own, because the import of MONAI's takes six seconds.

    Args:
        maps: of any kind.
        sigma: in voxels.
    """
    return along_axes(
        maps, [_gaussian_matrix(side, sigma, maps.dtype, maps.device) for side in maps.shape[2:]]
    )


def box_mean_transposed(maps: Float[Tensor, "B C X Y Z"], window: int) -> Float[Tensor, "B C X Y Z"]:
    """The transpose of `box_mean`."""
    return along_axes(maps, [_box_matrix(side, window, maps.dtype, maps.device).T for side in maps.shape[2:]])


@lru_cache(maxsize=64)
def _box_matrix(side: int, window: int, dtype: torch.dtype, device: torch.device) -> Float[Tensor, "X X"]:
    place = torch.arange(side, device=device)
    band = ((place[:, None] - place).abs() <= window // 2).to(dtype)
    return band / band.sum(1, keepdim=True)


@lru_cache(maxsize=64)
def _gaussian_matrix(
    side: int, sigma: float, dtype: torch.dtype, device: torch.device
) -> Float[Tensor, "X X"]:
    place = torch.arange(side, device=device, dtype=dtype)
    distance = (place[:, None] - place).abs()
    # Numbers too small for float32's full precision would make the products ten times slower.
    bell = torch.exp(-(distance**2) / (2 * sigma**2)) * (distance <= _CUT_OFF * sigma)
    return bell / bell.sum(1, keepdim=True)
