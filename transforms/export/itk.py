"""Displacements for ITK, ANTs, elastix and 3D Slicer: LPS millimetres, as NIfTI, MetaImage or NRRD.

All four apply y = x + d(x) to the points of the fixed image, and read the grid of d from its file.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pairs.fields.field import Field
from pairs.files.wholefile import whole_file
from pairs.images.header import Header
from pairs.images.relation import Matrix
from pairs.images.volume import write_volume
from transforms.export.millimetres import LPS, displacement_mm, require_placed, require_rotation

__all__ = ["lps_displacement", "parameter_file", "write_metaimage", "write_nifti", "write_nrrd"]

# "vector" in NIfTI: plain components, which ITK leaves as they are.
_VECTOR = 1007


def lps_displacement(field: Field, moving: Header, program: str) -> NDArray[np.float32]:
    """Returns the displacement, (X, Y, Z, 3) in LPS millimetres.

    Args:
        field: The field.
        moving: Header of the moving image.
        program: Its name for messages.

    Raises:
        VolumeError: If an image does not say where it lies.
        DisplacementError: If a grid has shear.
    """
    require_placed(field.grid, moving)
    require_rotation(program, field.grid, moving)
    return displacement_mm(field, moving, LPS @ field.grid.affine, LPS @ moving.affine)


def write_nifti(path: Path, displacement: NDArray[np.float32], grid: Header) -> None:
    """Writes NIfTI of five axes, (x, y, z, 1, 3), placed as the fixed image is."""
    write_volume(path, displacement[:, :, :, None, :], grid.affine, intent=_VECTOR)


def write_metaimage(path: Path, displacement: NDArray[np.float32], grid: Header) -> None:
    """Writes a MetaImage, header and voxels in one file."""
    origin, directions = _placed(grid)
    header = (
        "ObjectType = Image",
        "NDims = 3",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CompressedData = False",
        f"TransformMatrix = {_words(directions.T.ravel())}",
        f"Offset = {_words(origin)}",
        "CenterOfRotation = 0 0 0",
        f"ElementSpacing = {_words(np.array(grid.spacing_mm))}",
        f"DimSize = {' '.join(map(str, grid.shape))}",
        "ElementNumberOfChannels = 3",
        "ElementType = MET_FLOAT",
        "ElementDataFile = LOCAL",
    )
    _write_behind(path, "\n".join(header) + "\n", displacement)


def write_nrrd(path: Path, displacement: NDArray[np.float32], grid: Header) -> None:
    """Writes a NRRD, header and voxels in one file."""
    origin, directions = _placed(grid)
    columns = [f"({_words(column, ',')})" for column in (directions * np.array(grid.spacing_mm)).T]
    header = (
        "NRRD0005",
        "type: float",
        "dimension: 4",
        "space: left-posterior-superior",
        f"sizes: 3 {' '.join(map(str, grid.shape))}",
        f"space directions: none {' '.join(columns)}",
        "kinds: vector domain domain domain",
        "endian: little",
        "encoding: raw",
        f"space origin: ({_words(origin, ',')})",
    )
    _write_behind(path, "\n".join(header) + "\n\n", displacement)


def parameter_file(grid: Header, field_name: str) -> str:
    """Returns the text of a transform parameter file of elastix.

    Args:
        grid: Header of the fixed image.
        field_name: Name of the file of the displacement.
    """
    origin, directions = _placed(grid)
    entries = (
        ("Transform", '"DeformationFieldTransform"'),
        ("NumberOfParameters", "0"),
        ("InitialTransformParameterFileName", '"NoInitialTransform"'),
        # Versions before 5.2 spell it so.
        ("InitialTransformParametersFileName", '"NoInitialTransform"'),
        ("HowToCombineTransforms", '"Compose"'),
        ("DeformationFieldFileName", f'"{field_name}"'),
        ("DeformationFieldInterpolationOrder", "1"),
        ("FixedImageDimension", "3"),
        ("MovingImageDimension", "3"),
        ("FixedInternalImagePixelType", '"float"'),
        ("MovingInternalImagePixelType", '"float"'),
        ("Size", " ".join(map(str, grid.shape))),
        ("Index", "0 0 0"),
        ("Spacing", _words(np.array(grid.spacing_mm))),
        ("Origin", _words(origin)),
        ("Direction", _words(directions.T.ravel())),
        ("UseDirectionCosines", '"true"'),
        ("ResampleInterpolator", '"FinalLinearInterpolator"'),
        ("Resampler", '"DefaultResampler"'),
        ("DefaultPixelValue", "0"),
        ("ResultImageFormat", '"nii.gz"'),
        ("ResultImagePixelType", '"float"'),
        ("CompressResultImage", '"true"'),
    )
    return "".join(f"({key} {value})\n" for key, value in entries)


def _placed(grid: Header) -> tuple[Matrix, Matrix]:
    """The first voxel's place in LPS and the directions of the axes, one in each column."""
    affine = LPS @ grid.affine
    return affine[:3, 3], affine[:3, :3] / np.array(grid.spacing_mm)


def _words(numbers: Matrix, between: str = " ") -> str:
    # Without zeros that are negative; sixteen digits bring back the same number.
    return between.join(f"{number + 0.0:.16g}" for number in numbers)


def _write_behind(path: Path, header: str, displacement: NDArray[np.float32]) -> None:
    """Writes a text header and the voxels behind it, the components of a voxel together, then x."""
    with whole_file(path) as temporary, temporary.open("wb") as stream:
        stream.write(header.encode("ascii"))
        for plane in np.moveaxis(displacement, 2, 0):
            stream.write(np.ascontiguousarray(plane.swapaxes(0, 1), dtype="<f4").tobytes())
