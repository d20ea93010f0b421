"""Affine maps that come after a warp: ITK's binary `.mat` of ANTs, its text, and the matrix of greedy."""

from pathlib import Path

import numpy as np

from pairs.errors import DisplacementError
from pairs.fields.foreign.physical import Matrix, ras_affine, usable
from pairs.files.damage import damage_reported
from pairs.files.regularfile import open_regular

__all__ = ["itk_affine", "read_affine", "read_itk_affine", "read_ras_affine"]

# Twelve numbers, a centre and two names take a few hundred bytes.
_MAX_BYTES = 1 << 14
# MATLAB level 4 numbers its types MOPT; M 0 is little endian, P 0 is double and 1 single.
_TYPES = {0: "<f8", 10: "<f4", 1000: ">f8", 1010: ">f4"}
_LEVEL4_NUMBERS = 5
_INSIGHT = b"#Insight Transform File"
_AFFINES = ("AffineTransform", "MatrixOffsetTransformBase")


def read_affine(path: Path) -> Matrix:
    """Reads an affine map of any of these forms, told apart by their content.

    Returns:
        The map y(x) of points towards the moving image, (4, 4) in RAS millimetres.

    Raises:
        DisplacementError: If the file is missing, damaged or holds anything else. The four lines of FSL's
            `flirt` are in other coordinates and cannot be told from those of greedy.
    """
    with damage_reported(path, "affine map"):
        content = _bounded(path)
        if content.startswith(_INSIGHT):
            return _insight_affine(path, content.decode("ascii"))
    return read_itk_affine(path) if b"\0" in content else read_ras_affine(path)


def read_itk_affine(path: Path) -> Matrix:
    """Reads ITK's MATLAB level 4 file of an affine transform, such as ANTs' `0GenericAffine.mat`.

    Returns:
        The map y(x) of points as (4, 4) in RAS millimetres.

    Raises:
        DisplacementError: If the file is missing, damaged or holds another kind of transform.
    """
    with damage_reported(path):
        variables = _level4_variables(_bounded(path))
        if len(variables) != 2 or variables[1][0] != "fixed":
            raise ValueError(f"variables {[name for name, _ in variables]}")
        (name, parameters), (_, centre) = variables
        return itk_affine(path, name, parameters, centre)


def itk_affine(path: Path, name: str, parameters: Matrix, centre: Matrix) -> Matrix:
    """Returns the map of an affine transform as ITK stores it.

    Args:
        path: The file, for messages.
        name: The kind of transform, such as "AffineTransform_float_3_3".
        parameters: Nine entries of the matrix M and three of the translation t, in LPS millimetres.
        centre: The fixed centre c: y = M (x - c) + c + t.

    Returns:
        The map y(x) as (4, 4) in RAS millimetres.

    Raises:
        DisplacementError: If it is another kind of transform.
        ValueError: If the map cannot be inverted.
    """
    kind = name.partition("_")[0]
    if kind not in _AFFINES or not name.endswith("_3_3") or parameters.size != 12 or centre.size != 3:
        raise DisplacementError(
            "transform is not an affine map",
            where=path,
            expected="AffineTransform with 12 parameters and a centre",
            got=f"{name} with {parameters.size} and {centre.size}",
        )
    linear = parameters[:9].astype(np.float64).reshape(3, 3)
    return usable(ras_affine(linear, parameters[9:] + centre - linear @ centre, grid=False))


def read_ras_affine(path: Path) -> Matrix:
    """Reads the four lines of four numbers that greedy and c3d_affine_tool write, RAS millimetres.

    Raises:
        DisplacementError: If the file is missing or holds anything else.
    """
    with damage_reported(path):
        text = _bounded(path).decode("ascii")
        rows = [[float(number) for number in line.split()] for line in text.splitlines() if line.strip()]
        if [len(row) for row in rows] != [4, 4, 4, 4]:
            raise ValueError("not four lines of four numbers")
        return usable(np.array(rows))


def _insight_affine(path: Path, text: str) -> Matrix:
    """Reads ITK's text of one transform."""
    entries: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if line.startswith("#") or not colon:
            continue
        if key in entries:
            raise ValueError("holds more than one transform")
        entries[key] = value.strip()
    numbers = (entries.get(key, "").split() for key in ("Parameters", "FixedParameters"))
    parameters, centre = (np.array([float(one) for one in values]) for values in numbers)
    return itk_affine(path, entries.get("Transform", ""), parameters, centre)


def _bounded(path: Path) -> bytes:
    with open_regular(path) as stream:
        data = stream.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError("too large for an affine map")
    return data


def _level4_variables(data: bytes) -> list[tuple[str, Matrix]]:
    """Returns the named real columns of a MATLAB level 4 file."""
    variables = []
    start = 0
    while start < len(data):
        order = ">" if data[start : start + 1] == b"\0" and data[start : start + 4] != bytes(4) else "<"
        numbers = np.frombuffer(data, order + "i4", _LEVEL4_NUMBERS, start)
        kind, rows, columns, imaginary, name_bytes = (int(number) for number in numbers)
        if kind not in _TYPES or imaginary or min(rows, columns) < 1 or not 1 < name_bytes <= 100:
            raise ValueError("not a MATLAB level 4 file of real matrices")
        name_start = start + 4 * _LEVEL4_NUMBERS
        name = data[name_start : name_start + name_bytes].rstrip(b"\0").decode("ascii")
        dtype = np.dtype(_TYPES[kind])
        count = rows * columns
        values_start = name_start + name_bytes
        start = values_start + count * dtype.itemsize
        if start > len(data):
            raise EOFError(f"ends within {name}")
        variables.append((name, np.frombuffer(data, dtype, count, values_start).astype(np.float64)))
    return variables
