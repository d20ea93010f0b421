"""A field as displacements in millimetres, between whatever coordinates a program has for two images."""

import numpy as np
from numpy.typing import NDArray

from pairs.errors import DisplacementError, VolumeError
from pairs.fields.field import Field
from pairs.images.header import Header
from pairs.images.relation import Matrix
from pairs.images.sampling import Box, each_block
from transforms.pathway import Pathway

__all__ = ["LPS", "displacement_mm", "require_placed", "require_rotation"]

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""RAS millimetres to LPS millimetres."""

# Cosine between two axes of a grid; headers round to some digits.
_LARGEST_COSINE = 1e-3


def displacement_mm(
    field: Field, moving: Header, fixed_to_mm: Matrix, moving_to_mm: Matrix
) -> NDArray[np.float32]:
    """Returns d with y = x + d(x): x a voxel of the fixed image, y its place in the moving one, both in mm.

    Args:
        field: The field.
        moving: Header of the moving image.
        fixed_to_mm: Voxels of the fixed image to the program's coordinates, (4, 4).
        moving_to_mm: Voxels of the moving image to the program's coordinates, (4, 4).

    Returns:
        (X, Y, Z, 3) on the fixed grid.
    """
    stages = Pathway(field.grid, (field,)).stages(field.grid, moving)
    result = np.empty((*field.grid.shape, 3), dtype=np.float32)

    def fill(block: Box) -> None:
        ranges = (np.arange(axis.start, axis.stop, dtype=np.float64) for axis in block)
        voxels = np.stack(np.meshgrid(*ranges, indexing="ij"))
        ends = _mapped(moving_to_mm, stages.places(block))
        result[block] = np.moveaxis(ends - _mapped(fixed_to_mm, voxels), 0, -1)

    each_block(fill, field.grid.shape)
    return result


def require_placed(*headers: Header) -> None:
    """Refuses images that do not say where their voxels lie: each program would put them elsewhere.

    Raises:
        VolumeError: If one has neither sform nor qform.
    """
    for header in headers:
        if not header.placed:
            raise VolumeError(
                "image does not say where its voxels lie",
                where=header.path,
                expected="an sform or a qform",
                got="neither",
                remedy="set one; programs place such images differently",
            )


def require_rotation(program: str, *headers: Header) -> None:
    """Refuses grids whose axes are not at right angles, which ITK and what is built on it cannot hold.

    Raises:
        DisplacementError: If there are such.
    """
    for header in headers:
        directions = header.affine[:3, :3] / np.array(header.spacing_mm)
        cosine = float(np.abs(directions.T @ directions - np.eye(3)).max())
        if cosine > _LARGEST_COSINE:
            raise DisplacementError(
                f"{program} cannot hold this grid",
                where=header.path,
                expected="axes at right angles",
                got=f"a cosine of {cosine:.3g} between two of them",
                remedy="resample the image, or export to fsl or x5",
            )


def _mapped(matrix: Matrix, points: Matrix) -> Matrix:
    moved: Matrix = np.tensordot(matrix[:3, :3], points, axes=1)
    return moved + matrix[:3, 3].reshape(3, 1, 1, 1)
