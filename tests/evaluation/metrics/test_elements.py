"""Areas of surface elements against shapes with known surfaces."""

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.metrics.elements import Spacing, element_areas, neighbour_codes, on_surface


def _code(corners: NDArray[np.bool_]) -> int:
    """The code of a 2x2x2 neighbourhood: the one in the middle of the mask's own corner grid."""
    return int(neighbour_codes(corners)[1, 1, 1])


def _area(mask: NDArray[np.bool_], spacing: Spacing = (1.0, 1.0, 1.0)) -> float:
    return float(element_areas(spacing)[neighbour_codes(mask)].sum())


def test_known_areas() -> None:
    corners = np.zeros((2, 2, 2), dtype=bool)
    corners[0, 0, 0] = True
    assert element_areas()[_code(corners)] == pytest.approx(math.sqrt(3) / 8)
    corners[0, 0, 1] = True
    assert element_areas()[_code(corners)] == pytest.approx(math.sqrt(2) / 2)
    corners[0, 1, :] = True
    assert element_areas()[_code(corners)] == 1
    assert element_areas()[0] == element_areas()[255] == 0


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 1.3, 4.0)])
def test_areas_do_not_depend_on_orientation_or_on_which_side_is_inside(spacing: Spacing) -> None:
    for bits in range(256):
        corners = np.array([bits >> i & 1 for i in range(8)], dtype=bool).reshape(2, 2, 2)
        area = element_areas(spacing)[_code(corners)]
        assert element_areas(spacing)[_code(~corners)] == pytest.approx(area)
        for axes in itertools.permutations(range(3)):
            turned = np.transpose(corners, axes)
            sizes = (spacing[axes[0]], spacing[axes[1]], spacing[axes[2]])
            assert element_areas(sizes)[_code(turned)] == pytest.approx(area)
            assert element_areas(sizes)[_code(np.flip(turned, 0))] == pytest.approx(area)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.5, 2.0, 3.0)])
def test_area_of_a_box_is_that_of_its_faces_edges_and_corners(spacing: Spacing) -> None:
    a, b, c = spacing
    # Faces lie between the rounded edges, which are cut off by half a voxel on either side.
    faces = 2 * (9 * 8 * a * b + 9 * 7 * a * c + 8 * 7 * b * c)
    edges = 4 * (9 * a * math.hypot(b, c) + 8 * b * math.hypot(a, c) + 7 * c * math.hypot(a, b)) / 2
    corners = math.hypot(a * b, a * c, b * c)
    assert _area(np.ones((10, 9, 8), dtype=bool), spacing) == pytest.approx(faces + edges + corners)


def test_doubled_spacing_is_four_times_the_area() -> None:
    mask = np.random.default_rng(0).random((6, 5, 7)) < 0.5
    assert _area(mask, (2.0, 2.0, 2.0)) == pytest.approx(4 * _area(mask))


def test_a_ball_has_about_its_surface() -> None:
    positions = np.indices((41, 41, 21)) * np.array([1, 1, 2])[:, None, None, None]
    distance = np.linalg.norm(positions - 20, axis=0)
    # Facets of a voxel surface stand a little oblique: a few percent too much, never too little.
    assert 1.0 < _area(distance <= 15, (1.0, 1.0, 2.0)) / (4 * math.pi * 15**2) < 1.15


def test_only_mixed_neighbourhoods_are_surface() -> None:
    codes = neighbour_codes(np.ones((2, 2, 2), dtype=bool))
    assert codes.shape == (3, 3, 3)
    assert np.argwhere(~on_surface(codes)).tolist() == [[1, 1, 1]]
    assert not on_surface(neighbour_codes(np.zeros((2, 2, 2), dtype=bool))).any()
