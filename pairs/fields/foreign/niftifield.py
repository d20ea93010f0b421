# mypy: untyped-calls-exclude="nibabel"
"""Displacement fields in NIfTI as ITK, ANTs, greedy and transformix write them: five axes, vectors in mm."""

import gzip
from pathlib import Path
from typing import IO, Literal

import numpy as np
from nibabel.nifti1 import Nifti1Header

from pairs.errors import DisplacementError
from pairs.fields.foreign.payload import (
    field_array,
    require_components,
    require_sides,
)
from pairs.fields.foreign.physical import PhysicalField, usable
from pairs.files.damage import damage_reported, read_exactly
from pairs.files.regularfile import open_regular

__all__ = ["read_nifti_field"]

_HEADER_BYTES = 348
# What extensions may take between the header and the voxels.
_MAX_DATA_OFFSET = 1 << 20
# ITK stores its LPS components as plain "vector"; it mirrors those of a "displacement vector", which are RAS.
_FRAMES: dict[int, Literal["lps", "ras"]] = {1007: "lps", 1006: "ras"}
_NIBABEL_ERROR_LEVEL = 40


class _Silent:
    """Takes what nibabel tells of the repairs it makes; none of them touches what is read here."""

    def log(self, level: int, message: str) -> None:
        pass


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
        header = _header(stream)
        frame = _FRAMES.get(int(header["intent_code"]))
        if frame is None:
            raise DisplacementError(
                "not a displacement field",
                where=path,
                expected="intent 1007 (vector) or 1006 (displacement vector)",
                got=int(header["intent_code"]),
            )
        sides = _sides(path, header, max_voxels)
        dtype = header.get_data_dtype()
        if dtype.kind != "f" or dtype.itemsize not in (4, 8):
            raise ValueError(f"components of type {dtype}, expected float32 or float64")
        affine = usable(np.array(header.get_best_affine(), dtype=np.float64))
        _skip_extensions(stream, int(header.get_data_offset()))
        data = read_exactly(stream, int(np.prod(sides)) * 3 * dtype.itemsize)
        array = field_array(path, data, dtype, sides, channel_first=False)
        slope, intercept = header.get_slope_inter()
    if slope is not None and (slope, intercept) != (1.0, 0.0):
        array = array * np.float32(slope) + np.float32(intercept or 0.0)
    return PhysicalField(path, array, frame, affine)


def _decompressed(raw: IO[bytes], path: Path) -> IO[bytes] | gzip.GzipFile:
    return gzip.GzipFile(fileobj=raw) if path.name.endswith(".gz") else raw


def _header(stream: IO[bytes] | gzip.GzipFile) -> Nifti1Header:
    header = Nifti1Header(stream.read(_HEADER_BYTES), check=False)
    if header["magic"].item() != b"n+1":
        raise ValueError("not a single-file NIfTI-1")
    header.check_fix(logger=_Silent(), error_level=_NIBABEL_ERROR_LEVEL)
    return header


def _sides(path: Path, header: Nifti1Header, max_voxels: int) -> tuple[int, int, int]:
    """Returns (x, y, z) of a header that declares (x, y, z, 1, 3)."""
    dim = [int(side) for side in header["dim"]]
    if dim[0] != 5 or dim[4] != 1:
        raise DisplacementError(
            "not a displacement field",
            where=path,
            expected="five axes (x, y, z, 1, 3)",
            got=tuple(dim[1 : dim[0] + 1]) if 1 <= dim[0] <= 7 else f"dim {dim}",
        )
    require_components(path, dim[5])
    return require_sides(path, dim[1:4], max_voxels)


def _skip_extensions(stream: IO[bytes] | gzip.GzipFile, offset: int) -> None:
    if not _HEADER_BYTES <= offset <= _MAX_DATA_OFFSET:
        raise ValueError(f"data declared to start at byte {offset}")
    if len(stream.read(offset - _HEADER_BYTES)) != offset - _HEADER_BYTES:
        raise EOFError("ends before its data begins")
