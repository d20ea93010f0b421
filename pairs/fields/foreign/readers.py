"""Readers of other tools' displacement fields, by the word that `evaluate --from` takes.

A pair's files begin with a stem S: disp_F_C_M_C, disp_F_M or disp_F_V_M_V (subject F and modality C or visit
V of the fixed image, then those of the moving one), or the same without `disp_`. They go on with:

    itk      S.E, S_warp.E, S_field.E, S_displacement.E; in a folder S: warp.E, field.E, displacement.E
    ants     S1Warp.nii.gz with S0GenericAffine.mat, or S_1Warp... with S_0Generic..., or both in a folder S;
             SComposite.h5, S_Composite.h5, Composite.h5 in a folder S, which hold both;
             S0Warp.nii.gz (the same three ways), S_warp.nii.gz and S.nii.gz go without affine map
    elastix  deformationField.E in a folder S, S_deformationField.E, S.E
    greedy   S_warp.nii.gz with S_affine.mat; warp.nii.gz with affine.mat in a folder S; S.nii.gz with S.mat
    npz      S.npz

where E is nii.gz, nii, mha, mhd or nrrd. The affine maps may be absent. The first name that exists is taken.
"""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from pairs.errors import DisplacementError, UsageError
from pairs.fields.displacement import ReadField
from pairs.fields.foreign.affinefile import read_affine, read_itk_affine, read_ras_affine
from pairs.fields.foreign.compositefile import read_composite_field
from pairs.fields.foreign.metaimage import read_metaimage_field
from pairs.fields.foreign.names import Ending, find_files
from pairs.fields.foreign.niftifield import read_nifti_field
from pairs.fields.foreign.npzfield import read_npz, read_npz_file
from pairs.fields.foreign.nrrd import read_nrrd_field
from pairs.fields.foreign.physical import Matrix, PhysicalField, to_voxels
from pairs.fields.profile import Profile
from pairs.images.header import Header
from pairs.tasks.pair import Pair

__all__ = ["FOREIGN_READERS", "ForeignReader", "read_foreign_field", "read_physical_field"]

_LOG = logging.getLogger(__name__)

ForeignReader: TypeAlias = Callable[[Path, Pair, Header, Header], ReadField]

# A field may be finer than its image, but a header may not claim any amount of memory.
_MAX_FINER = 8
_FIELD_FORMATS: Mapping[str, Callable[[Path, int], PhysicalField]] = MappingProxyType(
    {
        ".nii.gz": read_nifti_field,
        ".nii": read_nifti_field,
        ".mha": read_metaimage_field,
        ".mhd": read_metaimage_field,
        ".nrrd": read_nrrd_field,
        ".h5": read_composite_field,
    }
)
_IMAGE_FORMATS = (".nii.gz", ".nii", ".mha", ".mhd", ".nrrd")


@dataclass(frozen=True)
class _Tool:
    """What is particular to a tool that stores displacements in millimetres."""

    name: str
    endings: tuple[Ending, ...]
    read_affine: Callable[[Path], Matrix] | None = None


def _in_all_formats(*beginnings: str) -> tuple[Ending, ...]:
    return tuple(Ending(beginning + suffix) for beginning in beginnings for suffix in _IMAGE_FORMATS)


_TOOLS = (
    _Tool("itk", _in_all_formats("", "_warp", "_field", "_displacement", "/warp", "/field", "/displacement")),
    _Tool(
        "ants",
        (
            Ending("1Warp.nii.gz", "0GenericAffine.mat", affine_expected=True),
            Ending("_1Warp.nii.gz", "_0GenericAffine.mat", affine_expected=True),
            Ending("/1Warp.nii.gz", "/0GenericAffine.mat", affine_expected=True),
            *(Ending(both) for both in ("Composite.h5", "_Composite.h5", "/Composite.h5")),
            *(Ending(warp) for warp in ("0Warp.nii.gz", "_0Warp.nii.gz", "/0Warp.nii.gz")),
            Ending("_warp.nii.gz"),
            Ending(".nii.gz"),
        ),
        read_itk_affine,
    ),
    _Tool("elastix", _in_all_formats("/deformationField", "_deformationField", "")),
    _Tool(
        "greedy",
        (
            Ending("_warp.nii.gz", "_affine.mat"),
            Ending("/warp.nii.gz", "/affine.mat"),
            Ending(".nii.gz", ".mat"),
        ),
        read_ras_affine,
    ),
)


def read_physical_field(path: Path, fixed: Header) -> PhysicalField:
    """Reads a displacement in millimetres, of any tool.

    Args:
        path: A file in `.nii.gz`, `.nii`, `.mha`, `.mhd`, `.nrrd` or `.h5`.
        fixed: Grid of the fixed image, which bounds what a header may declare.

    Raises:
        DisplacementError: If the file is missing, damaged or of another format.
    """
    suffix = _suffix(path)
    if suffix is None:
        raise DisplacementError(
            "not a displacement file", where=path, expected=f"a name in {', '.join(_FIELD_FORMATS)}"
        )
    return _FIELD_FORMATS[suffix](path, _MAX_FINER * math.prod(fixed.shape))


def read_foreign_field(
    word: str, path: Path, fixed: Header, moving: Header, affine: Path | None = None
) -> ReadField:
    """Reads and converts one field of a tool.

    Args:
        word: As `FOREIGN_READERS` has it.
        path: The file.
        fixed: Grid of the fixed image.
        moving: Grid of the moving image.
        affine: File of the affine map that comes after the field, where the tool writes one; None for none.

    Raises:
        DisplacementError: If a file is missing, damaged, of another format, or lies elsewhere than the image.
        UsageError: If there is an affine map, and the tool writes none beside its fields.
    """
    tool = next((one for one in _TOOLS if one.name == word), None)
    if affine is not None and (tool is None or tool.read_affine is None):
        raise UsageError(f"fields of {word} have no affine map beside them", where=affine)
    if tool is None:
        return read_npz_file(path, fixed)
    return _converted(tool, path, None if affine is None else read_affine(affine), fixed, moving)


def _suffix(path: Path) -> str | None:
    return next((suffix for suffix in _FIELD_FORMATS if path.name.endswith(suffix)), None)


def _read(tool: _Tool, folder: Path, pair: Pair, fixed: Header, moving: Header) -> ReadField:
    """Finds, reads and converts the field of a pair; errors as for `read_foreign_field`."""
    files = find_files(folder, pair, tool.endings)
    affine = None
    if files.affine is not None and tool.read_affine is not None:
        affine = tool.read_affine(files.affine)
    return _converted(tool, files.warp, affine, fixed, moving)


def _converted(tool: _Tool, path: Path, affine: Matrix | None, fixed: Header, moving: Header) -> ReadField:
    field = read_physical_field(path, fixed)
    after = field.after if affine is None else affine
    # The challenge's own fields do without affines, so their oddities are reported here alone.
    for header in (fixed, moving):
        for warning in header.warnings:
            _LOG.warning("%s: %s", header.path, warning)
    suffixes = (_suffix(path) or "",)
    profile = Profile(tool.name, suffixes, False, False, np.dtype(np.float32))
    return ReadField(path, profile, to_voxels(field, fixed, moving, after))


FOREIGN_READERS: Mapping[str, ForeignReader] = MappingProxyType(
    {**{tool.name: partial(_read, tool) for tool in _TOOLS}, "npz": read_npz}
)
