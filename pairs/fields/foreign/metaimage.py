"""Displacement fields in MetaImage files, `.mha` and `.mhd`, as ITK and transformix write them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from pairs.errors import DisplacementError
from pairs.fields.foreign.payload import (
    field_array,
    inflated,
    require_components,
    require_sides,
)
from pairs.fields.foreign.physical import Matrix, PhysicalField, ras_affine, usable
from pairs.files.damage import damage_reported, read_exactly
from pairs.files.regularfile import open_regular

__all__ = ["read_metaimage_field"]

_MAX_HEADER_LINES = 200
_MAX_LINE_BYTES = 4096
_TYPES = {"MET_FLOAT": "f4", "MET_DOUBLE": "f8"}
_LOCAL = "LOCAL"
# The format has several words for one thing.
_ORIGIN = ("Offset", "Position", "Origin")
_DIRECTIONS = ("TransformMatrix", "Rotation", "Orientation")
_BIG_ENDIAN = ("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
_SPACING = ("ElementSpacing", "ElementSize")


@dataclass(frozen=True, eq=False)
class _Claim:
    """What a header declares: the grid, the number type, and where the voxels are."""

    sides: tuple[int, int, int]
    affine: Matrix
    dtype: np.dtype[np.floating]
    compressed: bool
    data_file: str

    @property
    def size(self) -> int:
        return int(np.prod(self.sides)) * 3 * self.dtype.itemsize


def read_metaimage_field(path: Path, max_voxels: int) -> PhysicalField:
    """Reads a binary MetaImage of three float or double components per voxel, LPS, plain or compressed.

    Args:
        path: The `.mha` file, or the `.mhd` header whose data file lies beside it.
        max_voxels: How many voxels are accepted; more are refused before they are read.

    Raises:
        DisplacementError: If the file is missing, damaged or no such field.
        NonFiniteDisplacement: If a component is NaN or infinite.
    """
    with damage_reported(path), open_regular(path) as stream:
        claim = _claim(path, _entries(stream), max_voxels)
        if claim.data_file == _LOCAL:
            data = _voxels(stream, claim)
        else:
            with open_regular(path.parent / claim.data_file) as beside:
                data = _voxels(beside, claim)
        array = field_array(path, data, claim.dtype, claim.sides, channel_first=True)
    return PhysicalField(path, array, "lps", claim.affine)


def _entries(stream: IO[bytes]) -> dict[str, str]:
    """Reads `Key = Value` lines up to ElementDataFile, which is the last by the rules of the format."""
    entries: dict[str, str] = {}
    for _ in range(_MAX_HEADER_LINES):
        key, equals, value = stream.readline(_MAX_LINE_BYTES).decode("ascii").partition("=")
        if not equals:
            break
        entries[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":
            return entries
    raise ValueError("not a MetaImage header that ends with ElementDataFile")


def _claim(path: Path, entries: Mapping[str, str], max_voxels: int) -> _Claim:
    if entries.get("ObjectType", "Image") != "Image" or entries.get("NDims") != "3":
        raise ValueError("not a three-dimensional MetaImage")
    require_components(path, int(entries.get("ElementNumberOfChannels", "1")))
    sides = require_sides(path, [int(side) for side in entries.get("DimSize", "").split()], max_voxels)
    kind = entries.get("ElementType", "")
    if kind not in _TYPES:
        raise ValueError(f"components of type {kind}, expected {' or '.join(_TYPES)}")
    if not _is_true(entries, ("BinaryData",)) or int(entries.get("HeaderSize", "0")) != 0:
        raise ValueError("voxels are not plain binary data behind the header")
    data_file = entries["ElementDataFile"]
    # LIST, patterns and paths into other folders are legal in the format and written by none of the tools.
    if (
        not data_file
        or Path(data_file).name != data_file
        or data_file.split()[0] == "LIST"
        or "%" in data_file
    ):
        raise DisplacementError(
            "data file of a MetaImage is not beside it", where=path, expected="a file name", got=data_file
        )
    order = ">" if _is_true(entries, _BIG_ENDIAN) else "<"
    compressed = _is_true(entries, ("CompressedData",))
    return _Claim(sides, _affine(entries), np.dtype(order + _TYPES[kind]), compressed, data_file)


def _first(entries: Mapping[str, str], keys: tuple[str, ...]) -> str:
    return next((entries[key] for key in keys if key in entries), "")


def _is_true(entries: Mapping[str, str], keys: tuple[str, ...]) -> bool:
    return _first(entries, keys).lower() in ("true", "1")


def _affine(entries: Mapping[str, str]) -> Matrix:
    """The matrix of the grid in RAS; the format lists the direction of each axis in turn, in LPS."""
    directions, origin, spacing = (
        np.array([float(number) for number in (_first(entries, keys) or default).split()])
        for keys, default in ((_DIRECTIONS, "1 0 0 0 1 0 0 0 1"), (_ORIGIN, "0 0 0"), (_SPACING, "1 1 1"))
    )
    linear = directions.reshape(3, 3).T * spacing
    return usable(ras_affine(linear, origin.reshape(3), grid=True))


def _voxels(stream: IO[bytes], claim: _Claim) -> bytes:
    return inflated(stream, claim.size) if claim.compressed else read_exactly(stream, claim.size)
