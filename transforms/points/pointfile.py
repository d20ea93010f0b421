"""Files of points by their names: `.fcsv`, `.mrk.json`, and CSV in any other name that tables have."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pairs.errors import BadPoints
from pairs.files.wholefile import whole_file
from transforms.points.csvfile import read_csv, read_fcsv
from transforms.points.markups import read_markups
from transforms.points.pointset import CoordinateSystem, PointSet

__all__ = ["read_points", "write_points"]

_TABLES = (".csv", ".tsv", ".txt")


def read_points(path: Path, system: CoordinateSystem = "voxels") -> PointSet:
    """Reads the points of a file.

    Args:
        path: A `.fcsv` or `.mrk.json` of 3D Slicer, or a table in `.csv`, `.tsv` or `.txt`.
        system: What the coordinates of a table are. The other files say it.

    Raises:
        BadPoints: If the file has another form or name.
        TaskError: If the file is missing or no text.
    """
    name = path.name.lower()
    if name.endswith(".fcsv"):
        return read_fcsv(path)
    if name.endswith(".json"):
        return read_markups(path)
    if name.endswith(_TABLES):
        return read_csv(path, system)
    raise BadPoints(
        "not a file of points", where=path, expected=f"a name in .fcsv, .mrk.json, {', '.join(_TABLES)}"
    )


def write_points(path: Path, points: PointSet, coordinates: NDArray[np.float64]) -> None:
    """Writes points in the form of the file that they come from, whole or not at all.

    Args:
        path: The new file.
        points: What was read.
        coordinates: Where the points are now, (N, 3) in the same system.

    Raises:
        OutputError: If the file cannot be written.
    """
    with whole_file(path) as temporary:
        temporary.write_text(points.text_with(coordinates), encoding="utf-8")
