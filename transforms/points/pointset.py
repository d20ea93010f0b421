"""Points of an image, in whatever coordinates a file has them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pairs.images.relation import Matrix

__all__ = ["CoordinateSystem", "PointSet", "from_voxels", "rounded", "to_voxels"]

CoordinateSystem: TypeAlias = Literal["voxels", "ras", "lps"]
"""Voxel indices of an image; millimetres towards right, anterior, superior; or left, posterior, superior."""

_DIGITS = 6
_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class PointSet:
    """The points of a file.

    Attributes:
        path: The file.
        coordinates: (N, 3) float64.
        names: What to call each of them in a message.
        system: What the coordinates are.
        text_with: The text of the same file with other coordinates (N, 3) in the same system; a point that is
            NaN is nowhere.
    """

    path: Path
    coordinates: NDArray[np.float64]
    names: tuple[str, ...]
    system: CoordinateSystem
    text_with: Callable[[NDArray[np.float64]], str]


def to_voxels(coordinates: NDArray[np.float64], system: CoordinateSystem, affine: Matrix) -> Matrix:
    """Returns points (N, 3) as voxel indices of an image, (3, N).

    Args:
        coordinates: The points.
        system: What they are.
        affine: Voxels of the image to RAS millimetres, (4, 4).
    """
    inverse: Matrix = np.linalg.inv(_voxels_to(system, affine)).astype(np.float64)
    return _mapped(inverse, coordinates.T)


def from_voxels(voxels: Matrix, system: CoordinateSystem, affine: Matrix) -> NDArray[np.float64]:
    """Returns voxel indices (3, N) of an image as points (N, 3); see `to_voxels`."""
    return _mapped(_voxels_to(system, affine), voxels).T


def rounded(value: Any) -> float:  # noqa: ANN401
    """A coordinate as it is written: a millionth of a millimetre says more than any image."""
    return round(float(value), _DIGITS) + 0.0


def _voxels_to(system: CoordinateSystem, affine: Matrix) -> Matrix:
    if system == "voxels":
        return np.eye(4)
    matrix: Matrix = affine if system == "ras" else _LPS @ affine
    return matrix


def _mapped(matrix: Matrix, points: Matrix) -> Matrix:
    mapped: Matrix = matrix[:3, :3] @ points + matrix[:3, 3:]
    return mapped
