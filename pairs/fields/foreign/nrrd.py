"""Displacement fields in NRRD files, as ITK and 3D Slicer write them."""

import re
from collections.abc import Mapping
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

__all__ = ["read_nrrd_field"]

_MAX_HEADER_LINES = 200
_MAX_LINE_BYTES = 4096
_TYPES = {"float": "f4", "double": "f8"}
_LPS = ("left-posterior-superior", "LPS")
_VECTOR = re.compile(r"\(([^()]*)\)")


def read_nrrd_field(path: Path, max_voxels: int) -> PhysicalField:
    """Reads an attached NRRD of shape (3, x, y, z), LPS, raw or gzip.

    Args:
        path: The `.nrrd` file.
        max_voxels: How many voxels are accepted; more are refused before they are read.

    Raises:
        DisplacementError: If the file is missing, damaged or no such field.
        NonFiniteDisplacement: If a component is NaN or infinite.
    """
    with damage_reported(path), open_regular(path) as stream:
        entries = _entries(stream)
        sides = _sides(path, entries, max_voxels)
        affine = _affine(path, entries)
        dtype = _dtype(entries)
        size = int(np.prod(sides)) * 3 * dtype.itemsize
        encoding = entries.get("encoding", "")
        if encoding not in ("raw", "gzip", "gz"):
            raise ValueError(f"encoding {encoding}, expected raw or gzip")
        data = read_exactly(stream, size) if encoding == "raw" else inflated(stream, size)
        array = field_array(path, data, dtype, sides, channel_first=True)
    return PhysicalField(path, array, "lps", affine)


def _entries(stream: IO[bytes]) -> dict[str, str]:
    """Reads `key: value` lines up to the blank line before the voxels, without comments and free texts."""
    if not stream.readline(_MAX_LINE_BYTES).startswith(b"NRRD000"):
        raise ValueError("not a NRRD file")
    entries: dict[str, str] = {}
    for _ in range(_MAX_HEADER_LINES):
        line = stream.readline(_MAX_LINE_BYTES).decode("ascii")
        if not line.strip() and line:
            return entries
        key, colon, value = line.partition(":")
        if line.startswith("#") or value.startswith("="):
            continue
        if not colon:
            break
        entries[key.strip().lower()] = value.strip()
    raise ValueError("not a NRRD header that ends with a blank line")


def _sides(path: Path, entries: Mapping[str, str], max_voxels: int) -> tuple[int, int, int]:
    """Returns (x, y, z) of a header that declares an attached file of (3, x, y, z)."""
    if "data file" in entries or "datafile" in entries:
        raise ValueError("voxels lie in another file, expected an attached header")
    if {"line skip", "lineskip", "byte skip", "byteskip"} & entries.keys():
        raise ValueError("voxels do not begin behind the header")
    sizes = [int(side) for side in entries.get("sizes", "").split()]
    if len(sizes) != 4 or entries.get("dimension") != "4":
        raise DisplacementError(
            "not a displacement field", where=path, expected="four axes (3, x, y, z)", got=tuple(sizes)
        )
    require_components(path, sizes[0])
    return require_sides(path, sizes[1:], max_voxels)


def _dtype(entries: Mapping[str, str]) -> np.dtype[np.floating]:
    kind, endian = entries.get("type", ""), entries.get("endian", "little")
    if kind not in _TYPES or endian not in ("little", "big"):
        raise ValueError(f"components of type {kind} {endian}, expected {' or '.join(_TYPES)}")
    return np.dtype((">" if endian == "big" else "<") + _TYPES[kind])


def _affine(path: Path, entries: Mapping[str, str]) -> Matrix:
    """The matrix of the grid in RAS; the space must be LPS, since components are in the space of the file."""
    space = entries.get("space", "")
    if space not in _LPS:
        raise DisplacementError(
            "displacement field in an unknown space", where=path, expected=_LPS[0], got=space or "none"
        )
    directions = entries.get("space directions", "")
    columns = [_numbers(vector) for vector in _VECTOR.findall(directions)]
    if not directions.startswith("none") or len(columns) != 3:
        raise ValueError(f"space directions {directions}")
    origin = _numbers(entries.get("space origin", "").strip("()"))
    return usable(ras_affine(np.stack(columns, axis=1), origin, grid=True))


def _numbers(text: str) -> Matrix:
    return np.array([float(number) for number in text.split(",")]).reshape(3)
