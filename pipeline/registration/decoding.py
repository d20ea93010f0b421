"""What the host will make of a displacement that is stored on the half grid, as a differentiable map."""

from collections.abc import Sequence

import numpy as np
import torch

from pairs.fields.resampling import Upsampling, round_trip_matrix
from pipeline.typing import Float, Tensor

__all__ = ["HostDecoding"]


class HostDecoding:
    """Storing and upsampling of a displacement that is known on a box of the full grid only.

    Beyond the box the displacement goes on as at its edge; beyond the volume nothing is stored.

    Args:
        upsampling: the host's rule.
        shape: sides of the full grid, even.
        box: where the displacement's grid begins and ends in it.
        padded: sides of the displacement's grid; what exceeds the box is padding behind it.
        device: where the displacements are.
    """

    def __init__(
        self,
        upsampling: Upsampling,
        shape: Sequence[int],
        box: Sequence[slice],
        padded: Sequence[int],
        device: torch.device,
    ) -> None:
        axes = zip(shape, box, padded, strict=True)
        self._matrices = [
            torch.from_numpy(_axis_matrix(upsampling, *axis)).to(device, torch.float32) for axis in axes
        ]

    def __call__(self, displacement: Float[Tensor, "B 3 X Y Z"]) -> Float[Tensor, "B 3 X Y Z"]:
        """The displacement as decoded, on its own grid."""
        x, y, z = self._matrices
        return torch.einsum("bcxyz,ux,vy,wz->bcuvw", displacement, x, y, z)


def _axis_matrix(upsampling: Upsampling, side: int, box: slice, padded: int) -> np.ndarray:
    length = box.stop - box.start
    # Which sample of the displacement each voxel of the volume has, and which voxel each sample is.
    sample = np.clip(np.arange(side) - box.start, 0, length - 1)
    voxel = box.start + np.clip(np.arange(padded), 0, length - 1)
    spread = np.zeros((side, padded))
    spread[np.arange(side), sample] = 1
    return round_trip_matrix(upsampling, side)[voxel] @ spread
