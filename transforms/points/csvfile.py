"""Points in CSV, with or without a header, and in Slicer's `.fcsv`, which is CSV with comments before it."""

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pairs.errors import BadPoints
from pairs.files.document import read_text
from transforms.points.pointset import CoordinateSystem, PointSet, rounded

__all__ = ["read_csv", "read_fcsv"]

_AXES = ("x", "y", "z")
_NAMES = ("name", "label", "id")
_DELIMITERS = "\t;,"
_FCSV_COLUMNS = ("id", "x", "y", "z", "ow", "ox", "oy", "oz", "vis", "sel", "lock", "label", "desc")
# Slicer numbered them before it named them.
_FCSV_SYSTEMS: dict[str, CoordinateSystem] = {"RAS": "ras", "0": "ras", "LPS": "lps", "1": "lps"}
# From this version on a file without the line is in LPS, before it in RAS.
_FIRST_LPS_VERSION = 4.11


@dataclass(frozen=True)
class _Table:
    """The lines of a file: those kept as they are, and the cells of the others.

    Attributes:
        path: The file.
        lines: A text that is kept, or the cells of a point.
        delimiter: Between the cells.
        columns: Where x, y and z are.
        name_column: Where the name of a point is; None for nowhere.
    """

    path: Path
    lines: tuple[str | list[str], ...]
    delimiter: str
    columns: tuple[int, ...]
    name_column: int | None

    def point_set(self, system: CoordinateSystem) -> PointSet:
        """Reads the coordinates.

        Raises:
            BadPoints: If there are none, or one is no number.
        """
        rows = [(number, row) for number, row in enumerate(self.lines, 1) if not isinstance(row, str)]
        if not rows:
            raise BadPoints("file holds no points", where=self.path)
        coordinates = [[self._number(row, column, number) for column in self.columns] for number, row in rows]
        names = [self._name(row) or f"line {number}" for number, row in rows]
        return PointSet(self.path, np.array(coordinates), tuple(names), system, self.text_with)

    def text_with(self, coordinates: NDArray[np.float64]) -> str:
        """The file with other coordinates, (N, 3)."""
        remaining = iter(coordinates)
        stream = io.StringIO()
        writer = csv.writer(stream, delimiter=self.delimiter, lineterminator="\n")
        for line in self.lines:
            if isinstance(line, str):
                stream.write(f"{line}\n")
                continue
            cells = list(line)
            for column, value in zip(self.columns, next(remaining), strict=True):
                cells[column] = str(rounded(value))
            writer.writerow(cells)
        return stream.getvalue()

    def _number(self, row: Sequence[str], column: int, number: int) -> float:
        text = row[column].strip() if column < len(row) else ""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise BadPoints(
                "coordinate is no number",
                where=f"{self.path} line {number}",
                expected=f"a number in column {column + 1}",
                got=repr(text),
            )
        return value

    def _name(self, row: Sequence[str]) -> str:
        return row[self.name_column] if self.name_column is not None and self.name_column < len(row) else ""


def read_csv(path: Path, system: CoordinateSystem) -> PointSet:
    """Reads a table of points: columns x, y and z by name where there is a header, else the first three.

    Args:
        path: The file; commas, semicolons or tabs separate.
        system: What the coordinates are; the file does not say.

    Raises:
        BadPoints: If there is no such column, or a coordinate is no number.
        TaskError: If the file is missing or no text.
    """
    lines = read_text(path).splitlines()
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    delimiter = next((one for one in _DELIMITERS if one in first), ",")
    header = next(csv.reader([first], delimiter=delimiter), [])
    is_named = not all(_is_number(cell) for cell in header[:3])
    names = [cell.strip().lower() for cell in header] if is_named else []
    if is_named and not set(_AXES) <= set(names):
        raise BadPoints(
            "no columns x, y and z", where=path, expected="x, y, z in the first line", got=", ".join(names)
        )
    columns = tuple(names.index(axis) for axis in _AXES) if is_named else (0, 1, 2)
    name_column = next((names.index(name) for name in _NAMES if name in names), None)
    kept = first if is_named else None
    return _table(path, lines, delimiter, columns, name_column, kept).point_set(system)


def read_fcsv(path: Path) -> PointSet:
    """Reads a list of fiducials of 3D Slicer; the file says what its coordinates are.

    Raises:
        BadPoints: If the coordinates are of another system than RAS and LPS, or one is no number.
        TaskError: If the file is missing or no text.
    """
    lines = read_text(path).splitlines()
    said = {
        key.strip().lower(): value.strip()
        for key, equals, value in (line.lstrip("# ").partition("=") for line in lines if line.startswith("#"))
        if equals
    }
    names = [name.strip() for name in said.get("columns", ",".join(_FCSV_COLUMNS)).split(",")]
    if not set(_AXES) <= set(names):
        raise BadPoints("no columns x, y and z", where=path, got=", ".join(names))
    columns = tuple(names.index(axis) for axis in _AXES)
    name_column = names.index("label") if "label" in names else None
    return _table(path, lines, ",", columns, name_column, None).point_set(_fcsv_system(path, said))


def _fcsv_system(path: Path, said: dict[str, str]) -> CoordinateSystem:
    word = said.get("coordinatesystem")
    if word is None:
        version = re.search(r"\d+\.\d+", said.get("markups fiducial file version", ""))
        return "lps" if version is not None and float(version[0]) >= _FIRST_LPS_VERSION else "ras"
    if word.upper() not in _FCSV_SYSTEMS:
        raise BadPoints("unknown coordinate system", where=path, expected="RAS or LPS", got=word)
    return _FCSV_SYSTEMS[word.upper()]


def _table(
    path: Path,
    lines: Sequence[str],
    delimiter: str,
    columns: tuple[int, ...],
    name_column: int | None,
    kept: str | None,
) -> _Table:
    """Cuts lines into cells; comments, empty lines and the line `kept` stay as they are."""
    cut: list[str | list[str]] = []
    for line in lines:
        is_text = not line.strip() or line.startswith("#") or (kept is not None and line == kept)
        cut.append(line if is_text else next(csv.reader([line], delimiter=delimiter)))
    return _Table(path, tuple(cut), delimiter, columns, name_column)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
