"""Surface distances against shapes with known distances and a slow implementation of the definition."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from evaluation.metrics.elements import Spacing, element_areas, neighbour_codes
from evaluation.metrics.surface import surface_distances

_UNIT: Spacing = (1.0, 1.0, 1.0)
_MASKS = hnp.arrays(bool, (4, 3, 5))
_ONE = np.zeros((4, 3, 5), dtype=bool)
_ONE[0, 2, 4] = True


def _cube(
    start: tuple[int, int, int], side: int = 6, shape: tuple[int, int, int] = (20, 18, 22)
) -> NDArray[np.bool_]:
    mask = np.zeros(shape, dtype=bool)
    x, y, z = start
    mask[x : x + side, y : y + side, z : z + side] = True
    return mask


def _slow(first: NDArray[np.bool_], second: NDArray[np.bool_], spacing: Spacing) -> tuple[set[float], float]:
    """HD95 and ASSD word by word: every element against every element, in Python's own lists.

    Where a share of the area is exactly 95 %, rounding decides whether it is reached: both answers are given.
    """
    if not (first.any() and second.any()):
        return {math.inf}, math.inf
    lists = []
    for mask in (first, second):
        codes = neighbour_codes(mask)
        lists.append([(at, element_areas(spacing)[codes[at]]) for at in np.ndindex(codes.shape)])
        lists[-1] = [(at, area) for at, area in lists[-1] if codes[at] not in (0, 255)]
    hd95s, moment, total = [0.0, 0.0], 0.0, 0.0
    for elements, others in (lists, lists[::-1]):
        rows = sorted((min(_distance(at, other, spacing) for other, _ in others), a) for at, a in elements)
        area, held = sum(a for _, a in rows), 0.0
        total, moment = total + area, moment + sum(distance * a for distance, a in rows)
        shares = [(held := held + a) / area for _, a in rows]
        for index, limit in enumerate((0.95 - 1e-9, 0.95 + 1e-9)):
            reached = next(
                distance for (distance, _), share in zip(rows, shares, strict=True) if share >= limit
            )
            hd95s[index] = max(hd95s[index], reached)
    return set(hd95s), moment / total


def _distance(one: tuple[int, ...], other: tuple[int, ...], spacing: Spacing) -> float:
    return math.hypot(*((a - b) * size for a, b, size in zip(one, other, spacing, strict=True)))


@settings(max_examples=60, deadline=None)
@given(_MASKS, _MASKS, st.sampled_from([_UNIT, (2.0, 2.0, 2.0), (0.5, 1.25, 3.0)]))
@example(_ONE, np.ones_like(_ONE), _UNIT)
@example(_ONE, np.roll(_ONE, 1), (0.5, 1.25, 3.0))
@example(_ONE, ~_ONE, _UNIT)
@example(_ONE, np.zeros_like(_ONE), _UNIT)
@example(np.ones_like(_ONE), np.ones_like(_ONE), (0.5, 1.25, 3.0))
def test_distances_are_those_of_the_definition(
    first: NDArray[np.bool_], second: NDArray[np.bool_], spacing: Spacing
) -> None:
    distances = surface_distances(first, second, spacing)
    hd95s, assd = _slow(first, second, spacing)
    assert any(distances.hd95 == pytest.approx(value) for value in hd95s)
    assert distances.assd == pytest.approx(assd)


@pytest.mark.parametrize("shift", [(3, 0, 0), (0, 2, 0), (0, 0, 4)])
def test_hd95_of_a_shifted_cube_is_the_shift(shift: tuple[int, int, int]) -> None:
    moved = _cube((4 + shift[0], 5 + shift[1], 3 + shift[2]))
    assert surface_distances(_cube((4, 5, 3)), moved).hd95 == max(shift)


def test_spacing_stretches_the_distance_along_its_axis() -> None:
    moved = _cube((4, 5, 5))
    assert surface_distances(_cube((4, 5, 3)), moved, (1.0, 1.0, 2.5)).hd95 == pytest.approx(5)
    plain, doubled = (surface_distances(_cube((4, 5, 3)), moved, (size,) * 3) for size in (1.0, 2.0))
    assert doubled == pytest.approx((2 * plain.hd95, 2 * plain.assd))


def test_assd_of_parallel_plates_is_their_distance() -> None:
    plates = np.zeros((9, 40, 40), dtype=bool), np.zeros((9, 40, 40), dtype=bool)
    plates[0][2], plates[1][5] = True, True
    # Either side of a plate of one voxel is 2 or 3 away from the nearer side of the other one.
    assert surface_distances(*plates).assd == pytest.approx(2.5, abs=0.1)


def test_hd95_ignores_a_far_speck_below_five_percent_of_the_surface() -> None:
    speck = _cube((4, 5, 3), 9)
    speck[19, 17, 21] = True
    assert surface_distances(_cube((4, 5, 3), 9), speck).hd95 == 0
    assert surface_distances(_cube((4, 5, 3), 9), speck).assd > 0


def test_a_structure_at_the_border_has_a_surface_there() -> None:
    mask = _cube((0, 0, 0), 18, (18, 18, 18))
    smaller = mask.copy()
    smaller[-2:] = False
    assert surface_distances(mask, smaller).hd95 == 2


def test_empty_masks_are_infinitely_far() -> None:
    nothing = np.zeros((20, 18, 22), dtype=bool)
    for pair in ((_cube((4, 5, 3)), nothing), (nothing, _cube((4, 5, 3))), (nothing, nothing)):
        assert surface_distances(*pair) == (math.inf, math.inf)


@settings(max_examples=40, deadline=None)
@given(_MASKS, _MASKS)
def test_distances_are_symmetric_and_blind_to_margins(
    first: NDArray[np.bool_], second: NDArray[np.bool_]
) -> None:
    distances = surface_distances(first, second)
    assert surface_distances(second, first) == pytest.approx(distances)
    assert surface_distances(np.pad(first, 2), np.pad(second, 2)) == pytest.approx(distances)
    if first.any():
        assert surface_distances(first, first) == (0, 0)
