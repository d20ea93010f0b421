"""Points in `.mrk.json`, the markups of 3D Slicer; everything but the positions stays as it is."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from pairs.errors import BadPoints
from pairs.files.document import field_faults, read_document
from transforms.points.pointset import CoordinateSystem, PointSet, rounded

__all__ = ["read_markups"]

_SYSTEMS: dict[str, CoordinateSystem] = {"LPS": "lps", "RAS": "ras"}


class _ControlPoint(BaseModel):
    # The format has much that is kept and not read.
    model_config = ConfigDict(extra="allow")

    label: str = ""
    position: tuple[float, float, float] | None = None
    """Absent of a point that was never placed."""


class _Markup(BaseModel):
    model_config = ConfigDict(extra="allow")

    coordinateSystem: str = "LPS"  # noqa: N815
    coordinateUnits: Any = "mm"  # noqa: N815
    controlPoints: tuple[_ControlPoint, ...] = ()  # noqa: N815


class _Markups(BaseModel):
    model_config = ConfigDict(extra="allow")

    markups: tuple[_Markup, ...]


def read_markups(path: Path) -> PointSet:
    """Reads the control points of all markups of a file: lists, lines, curves, planes.

    Raises:
        BadPoints: If the file has another form, no points, other units than millimetres, or coordinates of
            another system than RAS and LPS, or of both.
        TaskError: If the file is missing or no JSON.
    """
    document = read_document(path)
    try:
        found = _Markups.model_validate(document)
    except ValidationError as error:
        raise BadPoints("not a markups file", where=path, got=field_faults(error)[0]) from error
    placed = [
        (one, number)
        for one, markup in enumerate(found.markups)
        for number, point in enumerate(markup.controlPoints)
        if point.position is not None
    ]
    if not placed:
        raise BadPoints("file holds no points", where=path)
    points = [found.markups[one].controlPoints[number] for one, number in placed]
    names = [point.label or f"point {number + 1}" for point, (_, number) in zip(points, placed, strict=True)]
    coordinates = np.array([point.position for point in points], dtype=np.float64)

    def text_with(others: NDArray[np.float64]) -> str:
        changed: Any = copy.deepcopy(document)
        for (one, number), position in zip(placed, others, strict=True):
            point = changed["markups"][one]["controlPoints"][number]
            if np.isfinite(position).all():
                point["position"] = [rounded(value) for value in position]
            else:
                # JSON has no NaN; Slicer lists such a point and shows none.
                del point["position"]
                point["positionStatus"] = "undefined"
        return json.dumps(changed, indent=4, ensure_ascii=False) + "\n"

    return PointSet(path, coordinates, tuple(names), _system(path, found), text_with)


def _system(path: Path, found: _Markups) -> CoordinateSystem:
    for markup in found.markups:
        # The unit is a word, or a code of a scheme with its meaning.
        units = markup.coordinateUnits
        if (units[0] if isinstance(units, list) and units else units) != "mm":
            raise BadPoints("unknown units", where=path, expected="mm", got=units)
    words = {markup.coordinateSystem for markup in found.markups}
    if len(words) != 1 or not words <= set(_SYSTEMS):
        raise BadPoints(
            "unknown coordinate system", where=path, expected="RAS or LPS", got=" and ".join(sorted(words))
        )
    return _SYSTEMS[words.pop()]
