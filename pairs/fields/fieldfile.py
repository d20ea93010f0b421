# mypy: untyped-calls-exclude="nibabel"
"""The npz and NIfTI files that hold a displacement array, with every size checked before it is read."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.nifti1 import Nifti1Image
from numpy.typing import NDArray

from pairs.errors import DisplacementError
from pairs.fields.npzfile import read_npz_array, write_npz_array
from pairs.fields.profile import NPZ_SUFFIX, Layout, Shape3, container_suffix, describe_profiles, layouts_for
from pairs.files.damage import damage_reported, read_exactly
from pairs.files.gzipfile import opened_for_writing, reading_gzip
from pairs.files.regularfile import open_regular
from pairs.images.niftiheader import HEADER_BYTES, parse_nifti

__all__ = ["StoredField", "field_layout", "read_stored_field", "write_array"]

_Match = Callable[[tuple[int, ...], np.dtype[Any], str | None], Layout]


@dataclass(frozen=True)
class StoredField:
    """An array as stored, in the axis order its profile writes, and the layout it was recognised by."""

    layout: Layout
    array: NDArray[Any]


def read_stored_field(path: Path, shape: Shape3) -> StoredField:
    """Reads the array of a displacement file for images of the full grid `shape`.

    Nothing is unpickled. The declared shape, number type and size are compared with what the profiles allow
    for `shape` before the data is read, so that a small file cannot claim much memory.

    Raises:
        DisplacementError: If the file is missing or unreadable, or no profile has its shape and type.
    """
    layout, array = _open(path, shape, header_only=False)
    if layout.channel_first != layout.profile.channel_first:
        array = np.moveaxis(array, 0, -1) if layout.channel_first else np.moveaxis(array, -1, 0)
    return StoredField(layout, array)


def field_layout(path: Path, shape: Shape3) -> Layout:
    """Recognises a displacement file by its headers alone; errors as for `read_stored_field`."""
    return _open(path, shape, header_only=True)[0]


def _open(path: Path, shape: Shape3, *, header_only: bool) -> tuple[Layout, NDArray[Any]]:
    suffix = container_suffix(path)
    if suffix is None:
        raise DisplacementError("not a displacement file", where=path, expected="a name in .npz or .nii.gz")

    def match(found: tuple[int, ...], dtype: np.dtype[Any], key: str | None) -> Layout:
        return _match(path, shape, found, dtype, key)

    with damage_reported(path):
        if suffix == NPZ_SUFFIX:
            return read_npz_array(path, match, header_only=header_only)
        return _read_nifti(path, match, header_only)


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Writes an array to an npz (key arr_0, compressed) or NIfTI (identity affine) file, as the name says.

    The bytes depend on the array and the kind of processor alone. The write is not atomic: the caller gives a
    temporary path.
    """
    if container_suffix(path) == NPZ_SUFFIX:
        write_npz_array(path, array)
        return
    with opened_for_writing(path) as stream:
        Nifti1Image(array, np.eye(4)).to_stream(stream)


def _match(
    path: Path, shape: Shape3, found: tuple[int, ...], dtype: np.dtype[Any], key: str | None
) -> Layout:
    """Returns the layout that a declared array has, before any of its data is read."""
    suffix = container_suffix(path) or ""
    for layout in layouts_for(suffix, shape):
        if layout.accepts(found, dtype, key):
            return layout
    raise DisplacementError(
        "displacement field of an unknown layout",
        where=path,
        expected=f"one of {describe_profiles(shape)}",
        got=f"{suffix} {found} {dtype}" + (f" key {key}" if key is not None else ""),
    )


def _read_nifti(path: Path, match: _Match, header_only: bool) -> tuple[Layout, NDArray[Any]]:
    with open_regular(path) as raw, reading_gzip(raw) as stream:
        nifti = parse_nifti(stream.read(HEADER_BYTES))
        layout = match(nifti.shape, nifti.dtype, None)
        if header_only:
            return layout, np.empty(0)
        stream.seek(nifti.offset)
        data = read_exactly(stream, math.prod(nifti.shape) * nifti.dtype.itemsize)
    return layout, nifti.scaled(np.frombuffer(data, nifti.dtype).reshape(nifti.shape, order="F"))
