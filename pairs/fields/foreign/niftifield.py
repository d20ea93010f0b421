"""Displacement fields in NIfTI as ITK, ANTs, greedy and transformix write them: five axes, vectors in mm."""

import gzip
import math
from pathlib import Path
from typing import IO, Literal

from pairs.errors import DisplacementError
from pairs.fields.foreign.payload import (
    field_array,
    require_components,
    require_sides,
)
from pairs.fields.foreign.physical import PhysicalField, usable
from pairs.files.damage import damage_reported, read_exactly
from pairs.files.gzipfile import reading_gzip
from pairs.files.regularfile import open_regular
from pairs.images.niftiheader import HEADER_BYTES, parse_nifti

__all__ = ["read_nifti_field"]

# ITK stores its LPS components as plain "vector"; it mirrors those of a "displacement vector", which are RAS.
_FRAMES: dict[int, Literal["lps", "ras"]] = {1007: "lps", 1006: "ras"}


def read_nifti_field(path: Path, max_voxels: int) -> PhysicalField:
    """Reads a `.nii` or `.nii.gz` field of shape (x, y, z, 1, 3).

    The components are LPS where the intent is 1007 (vector) and RAS where it is 1006 (displacement vector),
    as ITK reads them. The affine is the sform, else the qform.

    Args:
        path: The file.
        max_voxels: How many voxels are accepted; more are refused before they are read.

    Raises:
        DisplacementError: If the file is missing, damaged or no such field.
        NonFiniteDisplacement: If a component is NaN or infinite.
    """
    with damage_reported(path), open_regular(path) as raw, _decompressed(raw, path) as stream:
        nifti = parse_nifti(stream.read(HEADER_BYTES))
        frame = _FRAMES.get(int(nifti.entries["intent_code"]))
        if frame is None:
            raise DisplacementError(
                "not a displacement field",
                where=path,
                expected="intent 1007 (vector) or 1006 (displacement vector)",
                got=int(nifti.entries["intent_code"]),
            )
        sides = _sides(path, nifti.shape, max_voxels)
        dtype = nifti.dtype
        if dtype.kind != "f" or dtype.itemsize not in (4, 8):
            raise ValueError(f"components of type {dtype}, expected float32 or float64")
        affine = usable(nifti.affine())
        stream.seek(nifti.offset)
        data = read_exactly(stream, math.prod(nifti.shape) * dtype.itemsize)
        array = nifti.scaled(field_array(path, data, dtype, sides, channel_first=False))
    return PhysicalField(path, array, frame, affine)


def _decompressed(raw: IO[bytes], path: Path) -> IO[bytes] | gzip.GzipFile:
    return reading_gzip(raw) if path.name.endswith(".gz") else raw


def _sides(path: Path, shape: tuple[int, ...], max_voxels: int) -> tuple[int, int, int]:
    """Returns (x, y, z) of a header that declares (x, y, z, 1, 3)."""
    if len(shape) != 5 or shape[3] != 1:
        raise DisplacementError(
            "not a displacement field", where=path, expected="five axes (x, y, z, 1, 3)", got=shape
        )
    require_components(path, shape[4])
    return require_sides(path, shape[:3], max_voxels)
