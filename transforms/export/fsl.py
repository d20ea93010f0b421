"""Displacements for FSL's `applywarp`: millimetres in coordinates of FSL's own.

A voxel's coordinates are its indices times the voxel sizes. Where the affine has a positive determinant,
which FSL calls neurological, the first axis counts from its other end. A relative warp holds for each voxel
of the reference how far its place in the input image is, each in the coordinates of its own image.
"""

from pathlib import Path

import numpy as np

from pairs.fields.field import Field
from pairs.images.header import Header
from pairs.images.relation import Matrix
from pairs.images.volume import write_volume
from transforms.export.millimetres import displacement_mm, require_placed

__all__ = ["fsl_coordinates", "write_warp"]

# FSL_FNIRT_DISPLACEMENT_FIELD in NIfTI's list.
_DISPLACEMENT_FIELD = 2006


def fsl_coordinates(header: Header) -> Matrix:
    """Returns voxels of an image to FSL's coordinates, (4, 4)."""
    matrix = np.diag((*header.spacing_mm, 1.0))
    if np.linalg.det(header.affine) > 0:
        matrix[0, 0] *= -1
        matrix[0, 3] = (header.shape[0] - 1) * header.spacing_mm[0]
    return matrix


def write_warp(path: Path, field: Field, moving: Header) -> None:
    """Writes a relative warp, (X, Y, Z, 3).

    Raises:
        VolumeError: If an image does not say where it lies.
        OutputError: If the file cannot be written.
    """
    require_placed(field.grid, moving)
    displacement = displacement_mm(field, moving, fsl_coordinates(field.grid), fsl_coordinates(moving))
    grid = field.grid
    write_volume(path, displacement, grid.affine, forms=grid.forms, intent=_DISPLACEMENT_FIELD)
