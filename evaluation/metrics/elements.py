"""Surface elements of a mask: where its surface passes between voxels, and how large it is there.

The elements sit on the voxel corners. What eight voxels around a corner are in the mask makes a code of 8
bits, and marching cubes gives the area of the surface between them. The table of
areas follows from 13 shapes; with the PyPI package surface-distance, which lists normals for all 256 codes,
it agrees for every code and spacing.
"""

import itertools
import math
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNIT_SPACING", "Spacing", "element_areas", "neighbour_codes", "on_surface"]

Spacing: TypeAlias = tuple[float, float, float]
Corner: TypeAlias = tuple[int, ...]

UNIT_SPACING: Spacing = (1.0, 1.0, 1.0)
# Bit of each corner of a 2x2x2 neighbourhood; any assignment will do, because areas depend on the shape only.
_BITS = (1 << np.arange(8, dtype=np.uint8)).astype(np.uint8).reshape(2, 2, 2)
_FULL = 255

# What a unit cube's surface is made of, by shape. The key lists, for each corner in the minority (inside or
# outside), how many of its cube neighbours are in the minority too. The numbers count: triangles that cut off
# one corner through the middles of its edges; rectangles that cut off one edge, for each edge whose end has
# no second neighbour; squares across the cube, along the axis no edge of the minority has.
_SHAPES: dict[tuple[int, ...], tuple[int, float, float]] = {
    (): (0, 0, 0),
    (0,): (1, 0, 0),
    (0, 0): (2, 0, 0),
    (1, 1): (0, 1, 0),
    (0, 0, 0): (3, 0, 0),
    (0, 1, 1): (1, 1, 0),
    (1, 1, 2): (3, 0, 0.5),
    (0, 0, 0, 0): (4, 0, 0),
    (0, 1, 1, 2): (4, 0, 0.5),
    (1, 1, 1, 1): (0, 1, 0),
    (1, 1, 2, 2): (4, 0.5, 0),
    (1, 1, 1, 3): (6, 0, 0),
    (2, 2, 2, 2): (0, 0, 1),
}


@lru_cache(maxsize=16)
def element_areas(spacing: Spacing = UNIT_SPACING) -> NDArray[np.float64]:
    """Returns the area of the surface element of each of the 256 neighbour codes.

    Args:
        spacing: Voxel sizes along the array axes.

    Returns:
        Read-only float64 (256,), in the square of the spacing's unit.
    """
    corners = list(itertools.product((0, 1), repeat=3))
    areas = np.zeros(256)
    for code in range(256):
        inside = [corner for corner in corners if code & int(_BITS[corner])]
        outside = [corner for corner in corners if corner not in inside]
        areas[code] = _area(min(inside, outside, key=len), spacing)
    areas.setflags(write=False)
    return areas


def _area(minority: list[Corner], spacing: Spacing) -> float:
    neighbours = {one: [other for other in minority if math.dist(one, other) == 1] for one in minority}
    triangles, rectangles, squares = _SHAPES[tuple(sorted(map(len, neighbours.values())))]
    edges = [(one, other) for one, other in itertools.combinations(minority, 2) if other in neighbours[one]]
    # Faces of a voxel: a triangle's normal has an eighth of each, a rectangle's half of two.
    faces = [math.prod(spacing) / size for size in spacing]
    # One by one, because the product differs from the package in the last bit.
    area = sum([math.hypot(*faces) / 8] * triangles)
    axes = [_axis(*edge) for edge in edges]
    for axis, edge in zip(axes, edges, strict=True):
        if any(len(neighbours[end]) == 1 for end in edge):
            area += rectangles * math.hypot(*faces[:axis], *faces[axis + 1 :]) / 2
    free = sorted({0, 1, 2}.difference(axes))
    return area + (squares * faces[free[0]] if squares else 0.0)


def _axis(one: Corner, other: Corner) -> int:
    return next(axis for axis in range(3) if one[axis] != other[axis])


def neighbour_codes(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Codes (X + 1, Y + 1, Z + 1) at the voxel corners of a mask (X, Y, Z), background all around it."""
    padded = np.pad(mask, 1).view(np.uint8)
    x, y, z = padded.shape
    codes = np.zeros((x - 1, y - 1, z - 1), dtype=np.uint8)
    for i, j, k in itertools.product((0, 1), repeat=3):
        codes |= padded[i : x - 1 + i, j : y - 1 + j, k : z - 1 + k] * _BITS[i, j, k]
    return codes


def on_surface(codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Marks the codes of a neighbourhood that is neither all inside nor all outside."""
    surface: NDArray[np.bool_] = (codes != 0) & (codes != _FULL)
    return surface
