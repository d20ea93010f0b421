"""Pair lists as tables: the CSV files of 2020 to 2022, and what spreadsheets make of them."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pairs.errors import TaskError
from pairs.files.document import brief, read_content
from pairs.tasks.taskform import PairText, TaskForm

__all__ = ["parse_csv"]

_SIDES = ("fixed", "moving")
# Registration packages name the image that is moved the source and the one it is moved onto the target.
_SYNONYMS = {"target": "fixed", "source": "moving"}
_ADDED = re.compile(r"[ _-]*(image|img|id|path|file|name|subject|scan)s?$")
_ID = re.compile(r"0*([0-9]{1,4})(?:[.,]0*)?")
_DELIMITERS = "\t;,"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_PACKED = (b"PK", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")

_Row = tuple[int, list[str]]


class _Columns(NamedTuple):
    """Where the two images of a pair stand, and what was odd about their names."""

    fixed: int
    moving: int
    warnings: tuple[str, ...]


def parse_csv(path: Path) -> TaskForm:
    """Reads a table whose first line names the columns fixed and moving; its cells are ids, names or paths.

    Commas, semicolons and tabs are taken for separators, whichever the first line has; ids may be written
    as spreadsheets do (211.0). Other columns are ignored.

    Raises:
        TaskError: If the file cannot be read, is no table, or its first line does not name both columns.
    """
    text, warnings = _text(path)
    rows = _rows(text, path)
    header = rows[0][1]
    columns = _columns(header, f"{path} line {rows[0][0]}")
    faults: list[str] = []
    pairs = [pair for row in rows[1:] if (pair := _pair(row, header, columns, faults)) is not None]
    taken = (columns.fixed, columns.moving)
    extra = [f"unknown column {name!r} ignored" for i, name in enumerate(header) if name and i not in taken]
    return TaskForm(pairs=tuple(pairs), warnings=(*warnings, *columns.warnings, *extra), faults=tuple(faults))


def _text(path: Path) -> tuple[str, tuple[str, ...]]:
    """Decodes what spreadsheets write: UTF-8, UTF-16 with its mark, or an encoding of Western Europe."""
    content = read_content(path)
    if content.startswith(_PACKED):
        remedy = "save it as CSV: in a spreadsheet, File > Save As"
        raise TaskError("not a text file", where=path, got="a spreadsheet or archive", remedy=remedy)
    try:
        return content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig"), ()
    except UnicodeDecodeError:
        return content.decode("latin-1"), ("not in UTF-8; read as Latin-1",)


def _rows(text: str, path: Path) -> list[_Row]:
    """Splits the lines that are not blank into cells; empty cells at the end of a line are dropped."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    try:
        split = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise TaskError("not valid CSV", where=f"{path} line {reader.line_num}", got=str(error)) from error
    rows = [(line, _without_empty_end(cells)) for line, cells in split if any(cells)]
    if not rows:
        raise TaskError("file is empty", where=path)
    return rows


def _without_empty_end(cells: list[str]) -> list[str]:
    count = max(index for index, cell in enumerate(cells, start=1) if cell)
    return cells[:count]


def _columns(header: Sequence[str], where: str) -> _Columns:
    """Finds the columns by their names: fixed and moving, with words such as image or id, else synonyms."""
    words = [_ADDED.sub("", name.lower()) for name in header]
    places: list[int] = []
    warnings: list[str] = []
    for side in _SIDES:
        found = [index for index, word in enumerate(words) if word == side]
        if not found:
            found = [index for index, word in enumerate(words) if _SYNONYMS.get(word) == side]
            warnings += [f"column {header[index]!r} is taken for the {side} images" for index in found]
        if len(found) != 1:
            raise _header_error(header, side, len(found), where)
        places += found
    return _Columns(places[0], places[1], tuple(warnings))


def _header_error(header: Sequence[str], side: str, count: int, where: str) -> TaskError:
    got = brief(", ".join(header))
    if count:
        return TaskError(
            f"CSV header names {count} columns {side!r}", where=where, got=got, remedy="keep one"
        )
    if any(_ID.fullmatch(cell) or ".nii" in cell for cell in header):
        remedy = "put a line before it that names the columns: fixed,moving"
        return TaskError("CSV without a header", where=where, got=got, remedy=remedy)
    return TaskError(
        f"CSV header names no column {side!r}",
        where=where,
        expected="fixed,moving",
        got=got,
        remedy=f"name the column of the {side} images {side}",
    )


def _pair(row: _Row, header: Sequence[str], columns: _Columns, faults: list[str]) -> PairText | None:
    """Reads one line; notes as a fault what is missing or too much."""
    line, cells = row
    if len(cells) > len(header):
        faults.append(f"line {line}: expected {len(header)} cells, got {len(cells)}")
        return None
    sides: list[str | int] = []
    for column in (columns.fixed, columns.moving):
        cell = cells[column] if column < len(cells) else ""
        if not cell:
            faults.append(f"line {line}, column {header[column]}: expected an id or a path, got nothing")
            return None
        number = _ID.fullmatch(cell)
        sides.append(int(number[1]) if number else cell)
    names = (f", column {header[columns.fixed]}", f", column {header[columns.moving]}")
    return PairText(sides[0], sides[1], f"line {line}", names)
