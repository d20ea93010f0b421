"""HD95 and its area table against shapes with known surfaces."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from evaluation.metrics.surface import hd95, surface_areas

_BITS = (1 << np.arange(8)).reshape(2, 2, 2)


def _code(corners: NDArray[np.bool_]) -> int:
    return int(_BITS[corners].sum())


def _cube(
    start: tuple[int, int, int], side: int = 6, shape: tuple[int, int, int] = (20, 18, 22)
) -> NDArray[np.bool_]:
    mask = np.zeros(shape, dtype=bool)
    x, y, z = start
    mask[x : x + side, y : y + side, z : z + side] = True
    return mask


def test_known_areas() -> None:
    corners = np.zeros((2, 2, 2), dtype=bool)
    corners[0, 0, 0] = True
    assert surface_areas()[_code(corners)] == pytest.approx(math.sqrt(3) / 8)
    corners[0, 0, 1] = True
    assert surface_areas()[_code(corners)] == pytest.approx(math.sqrt(2) / 2)
    corners[0, 1, :] = True
    assert surface_areas()[_code(corners)] == 1
    assert surface_areas()[0] == surface_areas()[255] == 0


def test_areas_do_not_depend_on_orientation_or_on_which_side_is_inside() -> None:
    areas = surface_areas()
    for code in range(256):
        corners = (_BITS & code) != 0
        assert areas[_code(~corners)] == areas[code]
        for axes in itertools.permutations(range(3)):
            turned = np.transpose(corners, axes)
            assert areas[_code(turned)] == areas[code]
            assert areas[_code(np.flip(turned, 0))] == areas[code]


def test_area_of_a_cube_tends_to_its_faces() -> None:
    codes = np.zeros(256, dtype=int)
    mask = np.pad(_cube((1, 1, 1), 40, (42, 42, 42)), 1)
    for corner in np.lib.stride_tricks.sliding_window_view(mask, (2, 2, 2)).reshape(-1, 8):
        codes[int(corner @ _BITS.reshape(-1))] += 1
    # Faces of 39 x 39 between the rounded edges, 12 edges, 8 corners.
    expected = 6 * 39**2 + 12 * 39 * math.sqrt(2) / 2 + 8 * math.sqrt(3) / 8
    assert float(codes @ surface_areas()) == pytest.approx(expected)


@pytest.mark.parametrize("shift", [(3, 0, 0), (0, 2, 0), (0, 0, 4)])
def test_hd95_of_a_shifted_cube_is_the_shift(shift: tuple[int, int, int]) -> None:
    moved = _cube((4 + shift[0], 5 + shift[1], 3 + shift[2]))
    assert hd95(_cube((4, 5, 3)), moved) == max(shift)


def test_hd95_ignores_a_far_speck_below_five_percent_of_the_surface() -> None:
    speck = _cube((4, 5, 3), 9)
    speck[19, 17, 21] = True
    assert hd95(_cube((4, 5, 3), 9), speck) == 0


def test_a_structure_at_the_border_has_a_surface_there() -> None:
    mask = _cube((0, 0, 0), 18, (18, 18, 18))
    smaller = mask.copy()
    smaller[-2:] = False
    assert hd95(mask, smaller) == 2


def test_empty_masks_are_infinitely_far() -> None:
    assert hd95(_cube((4, 5, 3)), np.zeros((20, 18, 22), dtype=bool)) == math.inf


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(bool, (5, 4, 6)), hnp.arrays(bool, (5, 4, 6)))
def test_hd95_is_symmetric_and_blind_to_margins(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> None:
    value = hd95(first, second)
    assert hd95(second, first) == value
    assert hd95(np.pad(first, 2), np.pad(second, 2)) == value
    if first.any():
        assert hd95(first, first) == 0
