"""The programs that fields are exported to: what is written for each, and how it takes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pairs.errors import require_choice
from pairs.fields.field import Field
from pairs.files.wholefile import probe_writable, whole_file
from pairs.images.given import Given, header_from
from pairs.images.header import Header
from transforms.export.fsl import write_warp
from transforms.export.itk import lps_displacement, parameter_file, write_metaimage, write_nifti, write_nrrd

__all__ = ["PROGRAMS", "Program", "export_field"]


@dataclass(frozen=True)
class Program:
    """A program and the files that it reads.

    Attributes:
        name: What users type.
        files: Names of the files.
        usage: How it takes them, with places for the images and the folder.
        write: Writes them into a folder.
    """

    name: str
    files: tuple[str, ...]
    usage: str
    write: Callable[[Field, Header, Path], None]


def export_field(field: Field, moving: Given | Header, program: str, folder: str | Path) -> tuple[Path, ...]:
    """Writes a field as a program reads it.

    Args:
        field: The field.
        moving: The moving image, or its header.
        program: Name of one of `PROGRAMS`: itk, ants, elastix, fsl, slicer or x5.
        folder: Where the files go; made where it is absent.

    Returns:
        The files.

    Raises:
        UsageError: If there is no such program.
        VolumeError: If an image cannot be used, or does not say where its voxels lie.
        DisplacementError: If the program cannot hold the grid.
        OutputError: If a file cannot be written.
    """
    require_choice("program", program, PROGRAMS)
    chosen, path = PROGRAMS[program], Path(folder)
    probe_writable(path)
    chosen.write(field, header_from(moving), path)
    return tuple(path / name for name in chosen.files)


_NIFTI, _ANTS, _FSL, _NRRD, _X5 = (
    "displacement.nii.gz",
    "1Warp.nii.gz",
    "warp.nii.gz",
    "displacement.nrrd",
    "displacement.x5",
)
_ELASTIX = ("TransformParameters.0.txt", "deformationField.mha")


def _write_itk(field: Field, moving: Header, folder: Path) -> None:
    write_nifti(folder / _NIFTI, lps_displacement(field, moving, "ITK"), field.grid)


def _write_ants(field: Field, moving: Header, folder: Path) -> None:
    write_nifti(folder / _ANTS, lps_displacement(field, moving, "ANTs"), field.grid)


def _write_elastix(field: Field, moving: Header, folder: Path) -> None:
    parameters, displacement = _ELASTIX
    write_metaimage(folder / displacement, lps_displacement(field, moving, "elastix"), field.grid)
    with whole_file(folder / parameters) as temporary:
        temporary.write_text(parameter_file(field.grid, displacement), encoding="ascii")


def _write_fsl(field: Field, moving: Header, folder: Path) -> None:
    write_warp(folder / _FSL, field, moving)


def _write_slicer(field: Field, moving: Header, folder: Path) -> None:
    write_nrrd(folder / _NRRD, lps_displacement(field, moving, "3D Slicer"), field.grid)


def _write_x5(field: Field, moving: Header, folder: Path) -> None:
    # HDF5 takes a tenth of a second to load and everything else does without it.
    from transforms.export.x5 import write_x5

    write_x5(folder / _X5, field, moving)


PROGRAMS: Mapping[str, Program] = MappingProxyType(
    {
        program.name: program
        for program in (
            Program(
                "itk",
                (_NIFTI,),
                f"DisplacementFieldTransform(ReadImage('{{folder}}/{_NIFTI}', sitkVectorFloat64))",
                _write_itk,
            ),
            Program(
                "ants",
                (_ANTS,),
                f"antsApplyTransforms -d 3 -i {{moving}} -r {{fixed}} -t {{folder}}/{_ANTS} -o warped.nii.gz",
                _write_ants,
            ),
            Program(
                "elastix",
                _ELASTIX,
                f"cd {{folder}} && transformix -in {{moving}} -tp {_ELASTIX[0]} -out .",
                _write_elastix,
            ),
            Program(
                "fsl",
                (_FSL,),
                f"applywarp --rel -i {{moving}} -r {{fixed}} -w {{folder}}/{_FSL} -o warped.nii.gz",
                _write_fsl,
            ),
            Program(
                "slicer",
                (_NRRD,),
                f"add {{folder}}/{_NRRD} as a Transform, and apply it to {{moving}}",
                _write_slicer,
            ),
            Program(
                "x5",
                (_X5,),
                f"nitransforms.nonlinear.DenseFieldTransform.from_filename('{{folder}}/{_X5}')",
                _write_x5,
            ),
        )
    }
)
