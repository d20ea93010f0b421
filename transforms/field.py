"""Displacement fields of any profile or tool, each with the grid that it lives on."""

import gzip
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pairs.errors import DisplacementError, GridMismatch, UsageError, require_choice
from pairs.fields.displacement import read_displacement
from pairs.fields.encoding import decode, encode
from pairs.fields.field import Basis, Field
from pairs.fields.fieldfile import write_array
from pairs.fields.foreign.npzfield import read_npz_file
from pairs.fields.foreign.physical import to_voxels
from pairs.fields.foreign.readers import FOREIGN_READERS, read_foreign_field, read_physical_field
from pairs.fields.profile import NIFTI_SUFFIX, NPZ_SUFFIX, Profile, profile_of
from pairs.files.damage import damage_reported
from pairs.files.regularfile import open_regular
from pairs.files.wholefile import whole_file
from pairs.images.given import Given, header_from
from pairs.images.grid import affine_warnings, require_same_grid
from pairs.images.header import Header
from pairs.images.niftiheader import HEADER_BYTES, NiftiHeader, parse_nifti
from pairs.images.volume import write_volume

__all__ = ["StoredField", "import_field", "read_field", "require_name", "write_field"]

_LOG = logging.getLogger(__name__)

_IDENTITY_ROUNDING = 1e-6
# NIfTI's intents for the fields and the coefficients of FSL.
_FSL_INTENTS = range(2006, 2017)
_VECTOR_INTENTS = (1006, 1007)


@dataclass(frozen=True)
class StoredField:
    """A field that was written.

    Attributes:
        path: The file.
        profile: Name of the profile.
        decode_error_max_vox: The largest difference of a component, as the profile's host decodes the file.
    """

    path: Path
    profile: str
    decode_error_max_vox: float


def read_field(path: str | Path, fixed: Given | Header, *, basis: Basis | None = None) -> Field:
    """Reads a field, whatever wrote it.

    That is a field of the challenge in any profile, the `displacement.nii.gz` of `register`, or a field in
    millimetres: NIfTI with five axes, MetaImage, NRRD, or a composite transform of ANTs. What lies on another
    grid than the fixed image is resampled onto it where its file says where it lies.

    Args:
        path: The file.
        fixed: The fixed image, or its header.
        basis: What places the moving image; None goes by the form of the file.

    Raises:
        DisplacementError: If the file is missing, damaged, or no field for this image.
        GridMismatch: If the file says that it lies elsewhere than the fixed image.
        VolumeError: If the fixed image cannot be used.
    """
    path, grid = Path(path), header_from(fixed)
    if path.name.endswith(NPZ_SUFFIX):
        found = read_npz_file(path, grid)
        return Field(path, grid, found.displacement, found.profile.name, basis or "voxels")
    header = _nifti_header(path) if path.name.endswith((NIFTI_SUFFIX, ".nii")) else None
    if header is None or _is_physical(header):
        physical = read_physical_field(path, grid)
        return Field(path, grid, to_voxels(physical, grid, grid, physical.after), "millimetres", "headers")
    _refuse_fsl(path, header)
    by_header = _basis_of(path, header, grid, basis)
    read = read_displacement(path, grid.shape)
    return Field(path, grid, read.displacement, read.profile.name, basis or by_header)


def import_field(
    path: str | Path,
    tool: str,
    fixed: Given | Header,
    moving: Given | Header | None = None,
    *,
    affine: str | Path | None = None,
) -> Field:
    """Reads a field of another tool as voxels, one to one with those of the moving image.

    Args:
        path: The file.
        tool: What wrote it: ants, elastix, greedy, itk or npz.
        fixed: The fixed image, or its header.
        moving: The moving image; None for one on the grid of the fixed image.
        affine: File of the affine map that comes after the field, of ANTs or greedy.

    Raises:
        DisplacementError: If a file is missing, damaged, of another format, or lies elsewhere than the image.
        UsageError: If there is no such tool, or it writes no affine map beside its fields.
        VolumeError: If an image cannot be used.
    """
    require_choice("tool", tool, FOREIGN_READERS)
    grid = header_from(fixed)
    other = grid if moving is None else header_from(moving)
    read = read_foreign_field(tool, Path(path), grid, other, None if affine is None else Path(affine))
    return Field(read.path, grid, read.displacement, tool, "voxels")


def write_field(
    path: str | Path, field: Field | NDArray[np.float32], profile: str = "l2r2022"
) -> StoredField:
    """Writes a field as a profile has it, whole or not at all.

    Where the headers place the moving image, and the file can say so, it has the affine of the fixed image.
    Files of the challenge have none.

    Args:
        path: The file, in the suffix of the profile.
        field: The field; an array (X, Y, Z, 3) in voxels of the full grid is one of the challenge.
        profile: Name of what to write.

    Raises:
        DisplacementError: If the profile cannot hold it.
        UsageError: If there is no such profile, or the name has another suffix.
        OutputError: If the file cannot be written.
    """
    path, form = Path(path), profile_of(profile)
    require_name(path, form)
    u = field.displacement if isinstance(field, Field) else field
    array = encode(u, form)
    says_where = path.name.endswith(NIFTI_SUFFIX) and not form.half
    if isinstance(field, Field) and field.basis == "headers" and says_where:
        write_volume(path, array, field.grid.affine, placed=field.grid.placed)
    else:
        with whole_file(path) as temporary:
            write_array(temporary, array)
    return StoredField(path, form.name, float(np.abs(decode(array, form) - u).max()))


def require_name(path: Path, profile: Profile) -> None:
    """Refuses the name of a file that the profile does not have.

    Raises:
        UsageError: If it has another suffix.
    """
    if not path.name.endswith(profile.suffixes):
        expected = f"a name in {' or '.join(profile.suffixes)}"
        raise UsageError(f"not the name of a file of profile {profile.name}", where=path, expected=expected)


def _nifti_header(path: Path) -> NiftiHeader:
    with damage_reported(path), open_regular(path) as raw:
        stream = gzip.GzipFile(fileobj=raw) if path.name.endswith(".gz") else raw
        return parse_nifti(stream.read(HEADER_BYTES))


def _is_physical(header: NiftiHeader) -> bool:
    return len(header.shape) == 5 or int(header.entries["intent_code"]) in _VECTOR_INTENTS


def _refuse_fsl(path: Path, header: NiftiHeader) -> None:
    if int(header.entries["intent_code"]) in _FSL_INTENTS:
        raise DisplacementError(
            "a field of FSL is not read",
            where=path,
            expected="voxels, or millimetres of ITK",
            got=f"intent {int(header.entries['intent_code'])}, millimetres in FSL's own coordinates",
        )


def _basis_of(path: Path, header: NiftiHeader, grid: Header, asked: Basis | None) -> Basis:
    """What places the moving image, by the affine of a field in voxels: hosts write and read the identity.

    Raises:
        GridMismatch: If the file says that it lies elsewhere than the fixed image, and the user does not say
            that voxels count.
    """
    with damage_reported(path):
        affine = header.affine()
    if header.shape[:3] != grid.shape:
        # A half grid has an affine of its own, where it has any.
        return "voxels"
    said = Header(path, grid.shape, grid.spacing_mm, affine, np.dtype(np.float32))
    if not affine_warnings(grid, said):
        return "voxels" if np.allclose(affine, np.eye(4), rtol=0, atol=_IDENTITY_ROUNDING) else "headers"
    if asked == "voxels" or not header.placed or np.allclose(affine, np.eye(4), atol=_IDENTITY_ROUNDING):
        return "voxels"
    try:
        for warning in require_same_grid(grid, said):
            _LOG.warning("%s", warning)
    except GridMismatch as error:
        raise GridMismatch(
            "the displacement field is one of another image",
            where=path,
            expected=f"the affine of {grid.path.name}, or the identity as hosts write it",
            got=error.got,
            remedy="give the image it was made for; where the affine means nothing, add --placed-by voxels",
        ) from error
    return "headers"
