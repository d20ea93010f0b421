"""The displacement of the other way: from the moving grid to the fixed one and back."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["inverted"]

_ROUNDS = 20
_CLOSE_VOX = 0.01


def inverted(displacement: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns v with v(x) = -u(x + v(x)), by fixed-point iteration; exact where u is invertible and smooth.

    Args:
        displacement: u, (X, Y, Z, 3), voxels; beyond the border it is continued by its last values.
    """
    grid = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in displacement.shape[:3]), indexing="ij")
    parts = np.moveaxis(displacement, -1, 0)
    inverse = -parts
    for _ in range(_ROUNDS):
        places = np.stack(grid) + inverse
        new = np.stack([-ndimage.map_coordinates(part, places, order=1, mode="nearest") for part in parts])
        change = float(np.abs(new - inverse).max())
        inverse = new
        if change < _CLOSE_VOX:
            break
    return np.ascontiguousarray(np.moveaxis(inverse, 0, -1), dtype=np.float32)
