# mypy: allow-untyped-calls
"""Volumes: images, label maps and label probabilities read from and written to NIfTI files."""

from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np

from pairs.errors import BadLabels, NonFinite
from pairs.files.gzipfile import opened_for_writing
from pairs.files.wholefile import whole_file
from pairs.images.header import (
    MAX_VOXELS,
    Forms,
    Header,
    parse_header,
    read_header,
)
from pairs.images.volumefile import open_volume
from pairs.images.voxels import read_float32, slabs

__all__ = [
    "MAX_VOXELS",
    "Header",
    "Volume",
    "as_image",
    "as_labels",
    "read_header",
    "read_image",
    "read_labels",
    "read_probabilities",
    "replace_non_finite",
    "write_volume",
]

_MAX_NON_FINITE_SHARE = 0.01
# A slope such as 0.1 leaves 30 * 0.1 one rounding step away from 3, 0.33333 leaves 90 of them 3e-4
# away from 30; what is off by more, or next to zero, is a map that was interpolated or scaled to 0..1.
_EXACT = 1e-5
_SLOPE_ERROR = 2e-5
_MAX_ROUNDING = 1e-2
_NEAR_INTEGER = 0.05
_PROBABILITY_TOLERANCE = 1e-2
_LABEL_DTYPES = (np.uint8, np.int16, np.int32)


@dataclass(frozen=True, eq=False)
class Volume:
    """A header and its voxels.

    Attributes:
        header: The grid.
        array: (X, Y, Z), C-contiguous, in native byte order.
    """

    header: Header
    array: np.ndarray


def read_image(path: Path) -> Volume:
    """Reads an intensity image as float32.

    NaN and infinite voxels are replaced by the smallest finite value, with a warning in the header, while
    they are at most 1 % of the image.

    Raises:
        VolumeError: See `read_header`; also `CorruptVolume` for damage behind the header.
        NonFinite: If more than 1 % of the voxels are NaN or infinite.
    """
    with open_volume(path) as stream:
        stored = parse_header(path, stream)
        array = read_float32(stream, stored)
    warnings = replace_non_finite(path, array)
    return Volume(replace(stored.header, warnings=(*stored.header.warnings, *warnings)), array)


def as_image(volume: Volume) -> Volume:
    """Returns a volume in memory as `read_image` would read it from a file; what was given stays as it is.

    Raises:
        NonFinite: If more than 1 % of the voxels are NaN or infinite.
    """
    if volume.array.dtype == np.float32 and np.isfinite(volume.array).all():
        return volume
    array = volume.array.astype(np.float32)
    warnings = replace_non_finite(volume.header.path, array)
    return Volume(replace(volume.header, warnings=(*volume.header.warnings, *warnings)), array)


def replace_non_finite(path: Path, array: np.ndarray) -> tuple[str, ...]:
    """Puts the smallest finite value in the place of NaN and infinity; returns a sentence if there were any.

    Args:
        path: The file, for messages.
        array: Real numbers of any shape, changed in place.

    Raises:
        NonFinite: If they are more than 1 % of all.
    """
    finite = np.isfinite(array)
    bad = array.size - int(np.count_nonzero(finite))
    if bad == 0:
        return ()
    if bad > _MAX_NON_FINITE_SHARE * array.size:
        limit = f"at most {_MAX_NON_FINITE_SHARE:.0%}"
        raise NonFinite(
            "too many NaN or infinite voxels", where=path, expected=limit, got=f"{bad} of {array.size} voxels"
        )
    minimum = float(array.min(where=finite, initial=np.inf))
    array[~finite] = minimum
    return (f"{bad} NaN or infinite voxels replaced by the minimum {minimum:g}",)


def _rounded(slab: np.ndarray, path: Path) -> tuple[np.ndarray, float]:
    """Returns the labels of one slab as integers within int32, and the largest rounding error."""
    error = 0.0
    if slab.dtype.kind == "f":
        whole = np.rint(slab)
        with np.errstate(invalid="ignore"):
            errors = np.abs(slab - whole)
            wrong = ~(errors <= _EXACT + np.minimum(_SLOPE_ERROR * np.abs(whole), _MAX_ROUNDING))
        if wrong.any():
            raise _not_integers(slab[wrong], path)
        slab, error = whole, float(errors.max())
    bounds = np.iinfo(np.int32)
    if slab.min() < bounds.min or slab.max() > bounds.max:
        raise BadLabels("label beyond 32-bit integers", where=path, got=f"{slab.min()} to {slab.max()}")
    return slab, error


def _not_integers(values: np.ndarray, path: Path) -> BadLabels:
    """The error for values of which none is close enough to an integer."""
    remedy = "resample label maps with nearest neighbour"
    if np.isfinite(values).all() and np.abs(values - np.rint(values)).max() < _NEAR_INTEGER:
        # Interpolation would have left values halfway between two labels.
        remedy = "round it and save it as integers, without scl_slope"
    return BadLabels(
        "label map holds values that are not integers",
        where=path,
        expected="integers",
        got=f"{float(values[0])!r} and {values.size - 1} more",
        remedy=remedy,
    )


def read_labels(path: Path) -> Volume:
    """Reads a label map in the smallest of uint8, int16 and int32 that holds its values.

    Values that a slope left a hair away from an integer are rounded, with a warning in the header.

    Raises:
        VolumeError: See `read_header`; also `CorruptVolume` for damage behind the header.
        BadLabels: If a value is not an integer, or lies beyond 32 bits.
    """
    with open_volume(path) as stream:
        stored = parse_header(path, stream)
        plain = stored.dtype.kind in "iu" and (stored.slope, stored.intercept) == (1.0, 0.0)
        small = plain and stored.dtype.itemsize <= 2
        array = np.empty(stored.shape, dtype=stored.header.dtype if small else np.int32)
        error = 0.0
        for index, slab in slabs(stream, stored):
            array[index], slab_error = _rounded(slab, path)
            error = max(error, slab_error)
    return _label_map(stored.header, array, error)


def as_labels(volume: Volume) -> Volume:
    """Returns a volume in memory as `read_labels` would read it from a file.

    Raises:
        BadLabels: If a value is not an integer, or lies beyond 32 bits.
    """
    return _label_map(volume.header, *_rounded(volume.array, volume.header.path))


def _label_map(header: Header, array: np.ndarray, error: float) -> Volume:
    """Whole numbers in the smallest type, with a warning where they had to be rounded."""
    low, high = int(array.min()), int(array.max())
    dtype = next(t for t in _LABEL_DTYPES if np.iinfo(t).min <= low and high <= np.iinfo(t).max)
    if error > _EXACT:
        warning = f"labels rounded to integers, by up to {error:.2g}"
        header = replace(header, warnings=(*header.warnings, warning))
    return Volume(header, array.astype(dtype, copy=False))


def read_probabilities(path: Path) -> np.ndarray:
    """Reads label probabilities, background included, from a 4D file.

    Returns:
        (X, Y, Z, N) float32, each voxel summing to 1 within 1e-2.

    Raises:
        VolumeError: See `read_header`; also `CorruptVolume` for damage behind the header.
        BadLabels: If a voxel holds a negative or non-finite value or does not sum to 1.
    """
    with open_volume(path) as stream:
        array = read_float32(stream, parse_header(path, stream, frames=True))
    for plane in np.moveaxis(array, 2, 0):
        wrong = ~(np.abs(plane.sum(axis=-1) - 1) <= _PROBABILITY_TOLERANCE) | (
            plane < -_PROBABILITY_TOLERANCE
        ).any(-1)
        if wrong.any():
            raise BadLabels(
                "label probabilities do not sum to 1",
                where=path,
                expected=f"1 within {_PROBABILITY_TOLERANCE} and no negative value in every voxel",
                got=plane[wrong][0].tolist(),
            )
    return array


def write_volume(
    path: Path,
    array: np.ndarray,
    affine: np.ndarray,
    *,
    placed: bool = True,
    forms: Forms | None = None,
    intent: int = 0,
) -> None:
    """Writes an array as NIfTI, in its own number type, whole or not at all.

    The header is made anew, so that no text (names, dates, descriptions) of an input file reaches an output.

    Args:
        path: The final path, `.nii` or `.nii.gz`.
        array: (X, Y, Z), (X, Y, Z, N) or (X, Y, Z, 1, 3).
        affine: Voxel indices to millimetres, (4, 4).
        placed: Whether the affine says where the voxels lie; if not, the file holds their sizes alone.
        forms: The sform and the qform of the file whose grid this is, to be kept; None for an sform alone.
        intent: What the numbers are, by the list of NIfTI; 0 for nothing in particular.

    Raises:
        OutputError: If the file cannot be written.
    """
    image = nib.Nifti1Image(array, affine, dtype=array.dtype)
    image.header.set_xyzt_units("mm")
    image.header.set_intent(intent, allow_unknown=True)
    if not placed:
        image.header.set_sform(None, code=0)
    elif forms is not None and (forms.sform_code or forms.qform_code):
        image.header.set_sform(affine if forms.sform_code else None, code=forms.sform_code)
        if forms.qform is not None:
            image.header.set_qform(forms.qform, code=forms.qform_code)
    with whole_file(path) as temporary, opened_for_writing(temporary) as stream:
        image.to_stream(stream)
