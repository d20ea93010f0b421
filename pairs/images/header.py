# mypy: allow-untyped-calls
"""NIfTI headers: everything that can be refused before memory is taken for the voxels."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from pairs.errors import CorruptVolume, VolumeError
from pairs.files.standin import stand_in
from pairs.images.volumefile import open_volume, require_bytes

__all__ = [
    "MAX_VOXELS",
    "Header",
    "StoredArray",
    "parse_header",
    "read_header",
]

MAX_VOXELS = 1024**3
_AFFINE_TOLERANCE = 1e-3
_SINGLE_FILE_MAGIC = (b"n+1", b"n+2")
_PAIR_MAGIC = (b"ni1", b"ni2")
# How far above unit length rounding to float32 may leave a quaternion; nibabel's own limit is 4e-7.
_QUATERNION_ROUNDING = np.float64(1e-5)
# nibabel repairs header problems below this level and tells; from it on the header is unusable.
_NIBABEL_ERROR_LEVEL = 40


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
    """

    path: Path
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    affine: np.ndarray
    dtype: np.dtype
    warnings: tuple[str, ...] = ()


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


@dataclass
class _Repairs:
    """Collects what nibabel repairs in a header; it has the one method that nibabel needs of a logger."""

    notes: list[str] = field(default_factory=list)

    def log(self, level: int, message: str) -> None:
        if level >= 30:
            self.notes.append(f"header repaired: {message}")


def _nifti_header(path: Path, stream: BinaryIO, repairs: _Repairs) -> nib.Nifti1Header:
    """Reads the fixed part of the header; extensions, which may hold gigabytes, are never read."""
    block = stream.read(540)
    for kind, size in ((nib.Nifti1Header, 348), (nib.Nifti2Header, 540)):
        if len(block) >= size and size in (
            int.from_bytes(block[:4], "little"),
            int.from_bytes(block[:4], "big"),
        ):
            header = kind(block[:size], check=False)
            header.quaternion_threshold = _QUATERNION_ROUNDING
            magic = header["magic"].item()
            # Some tools write the word of a header without voxels and put the voxels behind it all the same.
            pair_in_one = magic in _PAIR_MAGIC and header["vox_offset"].item() >= size
            if magic not in _SINGLE_FILE_MAGIC and not pair_in_one:
                break
            if pair_in_one:
                repairs.notes.append(f"marked {magic.decode()}, as a header without voxels; read as one file")
            try:
                header.check_fix(logger=repairs, error_level=_NIBABEL_ERROR_LEVEL)
            except (HeaderDataError, ValueError) as error:
                raise CorruptVolume("header is invalid", where=path, got=str(error)) from error
            return header
    found = stand_in(block)
    got, remedy = (None, None) if found is None else found
    expected = "a single-file NIfTI-1 or NIfTI-2 header"
    raise CorruptVolume("volume is not a NIfTI file", where=path, expected=expected, got=got, remedy=remedy)


def _grid(path: Path, header: nib.Nifti1Header) -> tuple[int, ...]:
    """Returns the shape without trailing axes of one frame, at least three axes long.

    The dim field is read as it is: nibabel's own accessor reinterprets -1 in it.
    """
    dim = [int(value) for value in header["dim"]]
    if not 1 <= dim[0] <= 7 or any(side < 1 for side in dim[1 : dim[0] + 1]):
        raise CorruptVolume("header declares an impossible shape", where=path, got=f"dim {dim}")
    shape = dim[1 : dim[0] + 1]
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if len(shape) < 3:
        raise VolumeError("volume is not three-dimensional", where=path, expected="3 axes", got=tuple(shape))
    if math.prod(shape) > MAX_VOXELS:
        raise VolumeError(
            "volume is too large", where=path, expected=f"up to {MAX_VOXELS} voxels", got=tuple(shape)
        )
    return tuple(shape)


def _affine(path: Path, header: nib.Nifti1Header, warnings: list[str]) -> np.ndarray:
    """Returns the sform, else the qform, else the affine of the voxel sizes, as nibabel does."""
    try:
        # What a damaged header makes NaN or infinite is refused below.
        with np.errstate(all="ignore"):
            sform, _ = header.get_sform(coded=True)
            affine = np.array(header.get_best_affine(), dtype=np.float64)
    except (HeaderDataError, ValueError) as error:
        raise CorruptVolume("header has no valid affine", where=path, got=str(error)) from error
    if not np.isfinite(affine).all():
        raise VolumeError("affine holds NaN or infinity", where=path, got=affine.tolist())
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if spacing.min() == 0 or abs(np.linalg.det(affine[:3, :3] / spacing)) < 1e-6:
        raise VolumeError(
            "affine is singular", where=path, expected="three independent axes", got=affine.tolist()
        )
    if sform is not None:
        warnings += _qform_warnings(header, affine)
    if int(header["sform_code"]) <= 0 and int(header["qform_code"]) <= 0:
        warnings.append("neither sform nor qform is set; spacing is taken from pixdim")
    affine.setflags(write=False)
    return affine


def _qform_warnings(header: nib.Nifti1Header, sform: np.ndarray) -> list[str]:
    """Returns what is odd about the qform of a file whose sform is used."""
    try:
        # What a damaged header makes NaN or infinite differs from the sform.
        with np.errstate(all="ignore"):
            qform, _ = header.get_qform(coded=True)
    except (HeaderDataError, ValueError) as error:
        return [f"the qform is invalid ({error}); the sform is used"]
    if qform is None or np.allclose(sform, qform, rtol=0, atol=_AFFINE_TOLERANCE):
        return []
    both = f"sform {np.round(sform, 4).tolist()}, qform {np.round(qform, 4).tolist()}"
    return [f"sform and qform differ; the sform is used: {both}"]


def _require_scalars(path: Path, header: nib.Nifti1Header) -> np.dtype:
    """Returns the number type of the file; RGB, complex and extended precision are refused."""
    dtype = cast(np.dtype, header.get_data_dtype())
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        name = header.get_value_label("datatype")
        raise VolumeError(
            "number type is not supported", where=path, expected="integers or real numbers", got=name
        )
    return dtype


def _layout(path: Path, header: nib.Nifti1Header) -> tuple[int, float, float]:
    """Returns offset, slope and intercept; by the NIfTI rule a slope of 0 or NaN means no scaling."""
    try:
        offset = int(header.get_data_offset())
        slope, intercept = header.get_slope_inter()
    except (HeaderDataError, ValueError, OverflowError) as error:
        raise CorruptVolume("header is invalid", where=path, got=str(error)) from error
    return offset, 1.0 if slope is None else slope, 0.0 if intercept is None else intercept


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
    repairs = _Repairs()
    nifti = _nifti_header(path, stream, repairs)
    dtype = _require_scalars(path, nifti)
    shape = _grid(path, nifti)
    if len(shape) > 3 + frames:
        raise VolumeError(
            "volume has too many axes", where=path, expected="3D" if not frames else "4D", got=shape
        )
    warnings = repairs.notes
    affine = _affine(path, nifti, warnings)
    offset, slope, intercept = _layout(path, nifti)
    require_bytes(path, stream, offset + math.prod(shape) * dtype.itemsize)
    sides = (shape[0], shape[1], shape[2])
    spacing_x, spacing_y, spacing_z = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    header = Header(
        path, sides, (spacing_x, spacing_y, spacing_z), affine, dtype.newbyteorder("="), tuple(warnings)
    )
    full_shape = (*shape, 1) if frames and len(shape) == 3 else shape
    return StoredArray(header, full_shape, dtype, offset, slope, intercept)


def read_header(path: Path) -> Header:
    """Reads and checks the header of a 3D volume without touching its voxels.

    Raises:
        VolumeError: See `open_volume` and `parse_header`.
    """
    with open_volume(path) as stream:
        return parse_header(path, stream).header
