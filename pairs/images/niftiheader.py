# mypy: allow-untyped-calls
"""NIfTI headers by nibabel's rules: NIfTI-1 and NIfTI-2, in either byte order, and no byte behind them."""

import itertools
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

__all__ = ["HEADER_BYTES", "NiftiError", "NiftiHeader", "NotNifti", "parse_nifti"]

HEADER_BYTES = 540
# Extensions lie between header and voxels, a few kB as a rule; more than this is damage.
_MAX_OFFSET = 1 << 28
# How far above unit length rounding to float32 may leave a quaternion; nibabel's own limit is 4e-7.
_QUATERNION_ROUNDING = np.float64(1e-5)
# nibabel repairs header problems below this level and reports them; from it on the header is unusable.
_NIBABEL_ERROR_LEVEL = 40
_NIBABEL_WARNING_LEVEL = 30


class NiftiError(ValueError):
    """A header that cannot be used.

    Attributes:
        what: What is wrong, as a sentence begins.
        got: What the header holds.
    """

    def __init__(self, what: str, got: str) -> None:
        super().__init__(f"{what}: {got}")
        self.what, self.got = what, got


class NotNifti(ValueError):
    """The bytes are no header of a NIfTI file that holds its voxels too."""


@dataclass
class _Repairs:
    """Collects what nibabel repairs in a header; it has the one method that nibabel needs of a logger."""

    notes: list[str] = field(default_factory=list)

    def log(self, level: int, message: str) -> None:
        if level >= _NIBABEL_WARNING_LEVEL:
            self.notes.append(f"header repaired: {message}")


@dataclass(frozen=True, eq=False)
class NiftiHeader:
    """What a header declares.

    Attributes:
        entries: nibabel's header, for single entries by their names in the format.
        notes: One sentence for each oddity that was tolerated.
        shape: The axes.
        dtype: The number type with its byte order, before any slope; may be complex or RGB.
        offset: Bytes before the first voxel.
        slope: Factor on the stored numbers, 1 where the file gives none.
        intercept: Summand after the factor, 0 where the file gives none.
    """

    entries: nib.Nifti1Header
    notes: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int
    slope: float
    intercept: float

    @property
    def type_name(self) -> str:
        """The number type for a sentence."""
        return str(self.entries.get_value_label("datatype"))

    @property
    def placed(self) -> bool:
        """Whether the sform or the qform is set, so that the affine is more than the voxel sizes."""
        return any(int(self.entries[code]) > 0 for code in ("sform_code", "qform_code"))

    def affine(self) -> np.ndarray:
        """Returns voxel indices to millimetres, (4, 4): by the sform, else the qform, else the voxel sizes.

        Raises:
            NiftiError: If the qform is used and is no rotation.
        """
        with _refusals("header has no valid affine"):
            return np.array(self.entries.get_best_affine(), dtype=np.float64)

    def qform(self) -> np.ndarray | None:
        """Returns the affine of the qform, (4, 4), or None where it is not set; errors as for `affine`."""
        with _refusals("the qform is invalid"):
            qform: np.ndarray | None = self.entries.get_qform(coded=True)[0]
        return qform

    def scaled(self, array: np.ndarray) -> np.ndarray:
        """Returns the values of stored numbers, which may be infinite; real numbers keep their type."""
        if (self.slope, self.intercept) == (1.0, 0.0):
            return array
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(array * self.slope + self.intercept)


@contextmanager
def _refusals(what: str) -> Iterator[None]:
    """Turns what nibabel refuses into `NiftiError`; NaN and infinity in a header are left to the caller."""
    try:
        with np.errstate(all="ignore"):
            yield
    except (HeaderDataError, ValueError) as error:
        raise NiftiError(what, str(error)) from error


def parse_nifti(block: bytes, *, pair_mark: bool = False) -> NiftiHeader:
    """Reads the fixed part of a header; extensions, which may hold gigabytes, are never read.

    Args:
        block: The first `HEADER_BYTES` of the decompressed file, or all that it has.
        pair_mark: Whether a header is read too that is marked as one without voxels, although they follow;
            some tools write that.

    Raises:
        NotNifti: If this is no header of NIfTI-1 or NIfTI-2, or of one whose voxels lie in another file.
        NiftiError: If nibabel, and so any host, refuses the header, or its entries make no sense.
    """
    repairs = _Repairs()
    entries = _entries(block)
    magic = entries["magic"].item()
    if pair_mark and magic == entries.pair_magic and entries["vox_offset"].item() >= entries.sizeof_hdr:
        repairs.notes.append(f"marked {magic.decode()}, as a header without voxels; read as one file")
    elif magic != entries.single_magic:
        raise NotNifti("not a single-file NIfTI")
    with _refusals("header is invalid"):
        entries.check_fix(logger=repairs, error_level=_NIBABEL_ERROR_LEVEL)
        slope, intercept = entries.get_slope_inter()
    return NiftiHeader(
        entries,
        tuple(repairs.notes),
        _shape(entries),
        np.dtype(entries.get_data_dtype()),
        _offset(entries),
        # By the NIfTI rule a slope of 0 or NaN means no scaling.
        *((1.0, 0.0) if slope is None else (slope, intercept)),
    )


def _entries(block: bytes) -> nib.Nifti1Header:
    for kind, order in itertools.product((nib.Nifti1Header, nib.Nifti2Header), "<>"):
        size = kind.sizeof_hdr
        if len(block) >= size and struct.unpack_from(f"{order}i", block) == (size,):
            entries = kind(block[:size], endianness=order, check=False)
            entries.quaternion_threshold = _QUATERNION_ROUNDING
            return entries
    raise NotNifti("not a NIfTI file")


def _shape(entries: nib.Nifti1Header) -> tuple[int, ...]:
    """The dim field as it is: nibabel's own accessor reinterprets -1 in it."""
    dim = [int(side) for side in entries["dim"]]
    shape = tuple(dim[1 : dim[0] + 1])
    if not 1 <= dim[0] <= 7 or min(shape) < 1:
        raise NiftiError("header declares an impossible shape", f"dim {dim}")
    return shape


def _offset(entries: nib.Nifti1Header) -> int:
    offset = entries["vox_offset"].item()
    if not entries.sizeof_hdr <= offset <= _MAX_OFFSET:
        raise NiftiError("header is invalid", f"data declared to start at byte {offset:g}")
    return int(offset)
