"""Headers of volumes: everything that can be refused before memory is taken for the voxels."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pairs.errors import CorruptVolume, VolumeError
from pairs.files.standin import stand_in
from pairs.images.niftiheader import HEADER_BYTES, NiftiError, NiftiHeader, NotNifti, parse_nifti
from pairs.images.volumefile import open_volume, require_bytes

__all__ = [
    "MAX_VOXELS",
    "Forms",
    "Header",
    "StoredArray",
    "parse_header",
    "read_header",
]

MAX_VOXELS = 1024**3
_AFFINE_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Forms:
    """Both ways in which a NIfTI file can place its voxels, as they are stored.

    Attributes:
        sform_code: What the sform leads to, such as 1 (scanner) or 4 (MNI); 0 where it is not set.
        qform_code: The same of the qform.
        qform: The affine of the qform, (4, 4); None where it is not set, or is no rotation.
    """

    sform_code: int
    qform_code: int
    qform: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Header:
    """What a volume file says about its grid.

    Attributes:
        path: The file.
        shape: Voxels along (X, Y, Z); for a 4D file without its last axis.
        spacing_mm: Voxel sizes along the array axes, by the affine.
        affine: Voxel indices to millimetres, (4, 4) float64, read-only; the sform where there is one.
        dtype: Number type in the file, in native byte order and before any slope is applied.
        warnings: One sentence for each oddity that was tolerated.
        placed: Whether the file says where the voxels lie; without it the affine holds their sizes alone.
        scaled: Whether a slope or an intercept is applied to the numbers in the file.
        forms: The sform and the qform; None of a grid that is in no file.
    """

    path: Path
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    affine: np.ndarray
    dtype: np.dtype
    warnings: tuple[str, ...] = ()
    placed: bool = True
    scaled: bool = False
    forms: Forms | None = None


@dataclass(frozen=True, eq=False)
class StoredArray:
    """Where and how the voxels lie in the (decompressed) file.

    Attributes:
        header: The grid.
        shape: (X, Y, Z), or (X, Y, Z, N) for a 4D file.
        dtype: Number type with its byte order.
        offset: Bytes before the first voxel.
        slope: Factor on the stored numbers, 1 where the file gives none.
        intercept: Summand after the factor, 0 where the file gives none.
    """

    header: Header
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int
    slope: float
    intercept: float


def _grid(path: Path, nifti: NiftiHeader, frames: bool) -> tuple[int, ...]:
    """Returns the shape without trailing axes of one frame: three axes, or four where there are `frames`."""
    shape = list(nifti.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if len(shape) < 3:
        raise VolumeError("volume is not three-dimensional", where=path, expected="3 axes", got=tuple(shape))
    if math.prod(shape) > MAX_VOXELS:
        raise VolumeError(
            "volume is too large", where=path, expected=f"up to {MAX_VOXELS} voxels", got=tuple(shape)
        )
    if len(shape) > 3 + frames:
        raise VolumeError(
            "volume has too many axes", where=path, expected="4D" if frames else "3D", got=tuple(shape)
        )
    return tuple(shape)


def _affine(path: Path, nifti: NiftiHeader, warnings: list[str]) -> np.ndarray:
    """Returns the affine, unless it maps voxels to no grid in space."""
    affine = nifti.affine()
    if not np.isfinite(affine).all():
        raise VolumeError("affine holds NaN or infinity", where=path, got=affine.tolist())
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if spacing.min() == 0 or abs(np.linalg.det(affine[:3, :3] / spacing)) < 1e-6:
        raise VolumeError(
            "affine is singular", where=path, expected="three independent axes", got=affine.tolist()
        )
    if int(nifti.entries["sform_code"]) > 0:
        warnings += _qform_warnings(nifti, affine)
    elif not nifti.placed:
        warnings.append("neither sform nor qform is set; spacing is taken from pixdim")
    affine.setflags(write=False)
    return affine


def _qform_warnings(nifti: NiftiHeader, sform: np.ndarray) -> list[str]:
    """Returns what is odd about the qform of a file whose sform is used."""
    try:
        qform = nifti.qform()
    except NiftiError as error:
        return [f"the qform is invalid ({error.got}); the sform is used"]
    # What a damaged header makes NaN or infinite differs from the sform.
    if qform is None or np.allclose(sform, qform, rtol=0, atol=_AFFINE_TOLERANCE):
        return []
    both = f"sform {np.round(sform, 4).tolist()}, qform {np.round(qform, 4).tolist()}"
    return [f"sform and qform differ; the sform is used: {both}"]


def _forms(nifti: NiftiHeader) -> Forms:
    try:
        qform = nifti.qform()
    except NiftiError:
        qform = None
    return Forms(
        int(nifti.entries["sform_code"]), 0 if qform is None else int(nifti.entries["qform_code"]), qform
    )


def _require_scalars(path: Path, nifti: NiftiHeader) -> np.dtype:
    """Returns the number type of the file; RGB, complex and extended precision are refused."""
    dtype = nifti.dtype
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise VolumeError(
            "number type is not supported",
            where=path,
            expected="integers or real numbers",
            got=nifti.type_name,
        )
    return dtype


def parse_header(path: Path, stream: BinaryIO, *, frames: bool = False) -> StoredArray:
    """Reads and checks the header at the start of an open volume.

    Args:
        path: The file, for messages.
        stream: What `open_volume` yields, at its start.
        frames: Whether the volume is 4D; otherwise it must be 3D apart from trailing axes of length one.

    Raises:
        CorruptVolume: If this is no NIfTI, or the file is too small for what it declares.
        VolumeError: If this is no scalar volume of acceptable size with a usable affine.
    """
    block = stream.read(HEADER_BYTES)
    try:
        return _stored_array(path, stream, parse_nifti(block, pair_mark=True), frames)
    except NotNifti as error:
        found = stand_in(block)
        got, remedy = (None, None) if found is None else found
        expected = "a single-file NIfTI-1 or NIfTI-2 header"
        raise CorruptVolume(
            "volume is not a NIfTI file", where=path, expected=expected, got=got, remedy=remedy
        ) from error
    except NiftiError as error:
        raise CorruptVolume(error.what, where=path, got=error.got) from error


def _stored_array(path: Path, stream: BinaryIO, nifti: NiftiHeader, frames: bool) -> StoredArray:
    dtype = _require_scalars(path, nifti)
    shape = _grid(path, nifti, frames)
    warnings = list(nifti.notes)
    affine = _affine(path, nifti, warnings)
    require_bytes(path, stream, nifti.offset + math.prod(shape) * dtype.itemsize)
    spacing_x, spacing_y, spacing_z = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    header = Header(
        path,
        (shape[0], shape[1], shape[2]),
        (spacing_x, spacing_y, spacing_z),
        affine,
        dtype.newbyteorder("="),
        tuple(warnings),
        placed=nifti.placed,
        scaled=(nifti.slope, nifti.intercept) != (1.0, 0.0),
        forms=_forms(nifti),
    )
    full_shape = (*shape, 1) if frames and len(shape) == 3 else shape
    return StoredArray(header, full_shape, dtype, nifti.offset, nifti.slope, nifti.intercept)


def read_header(path: Path) -> Header:
    """Reads and checks the header of a 3D volume without touching its voxels.

    Raises:
        VolumeError: See `open_volume` and `parse_header`.
    """
    with open_volume(path) as stream:
        return parse_header(path, stream).header
