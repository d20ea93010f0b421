"""A displacement with the grid that it lives on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pairs.errors import DisplacementError
from pairs.images.given import Given, header_from
from pairs.images.header import Header

__all__ = ["Basis", "Field", "field_from_array"]

Basis: TypeAlias = Literal["headers", "voxels"]
"""What places the moving image against the fixed one: the headers of both, or their voxels, one to one."""


@dataclass(frozen=True, eq=False)
class Field:
    """A displacement and its grid.

    Attributes:
        path: The file; a name for messages where there is none.
        grid: Header of the fixed image.
        displacement: u, (X, Y, Z, 3) float32, voxels of the fixed grid: x + u(x) is where the voxel x lies in
            the moving image, in voxels of the fixed grid.
        form: What the file was read as, such as "l2r2022" or "itk".
        basis: What places the moving image: the challenge's hosts compare voxels, `register` and other tools
            go by the headers. Where both images have one affine, it makes no difference.
    """

    path: Path
    grid: Header
    displacement: NDArray[np.float32]
    form: str
    basis: Basis


def field_from_array(
    displacement: NDArray[np.floating], fixed: Given | Header, *, basis: Basis = "headers"
) -> Field:
    """Makes a field of an array.

    Args:
        displacement: (X, Y, Z, 3), voxels of the fixed grid.
        fixed: The fixed image, or its header.
        basis: What places the moving image.

    Raises:
        DisplacementError: If the array is not of the fixed image's shape.
        VolumeError: If the fixed image cannot be used.
    """
    grid = header_from(fixed)
    if displacement.shape != (*grid.shape, 3):
        raise DisplacementError(
            "not a displacement of this image", expected=(*grid.shape, 3), got=displacement.shape
        )
    return Field(Path("displacement"), grid, displacement.astype(np.float32, copy=False), "array", basis)
