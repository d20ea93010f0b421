"""Structures of a pair: presence, and the same numbers inside boxes as over the whole volume."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from evaluation.metrics.overlap import dice
from evaluation.metrics.regions import box_labels
from evaluation.metrics.surface import surface_distances
from evaluation.scoring.structures import Measures, Structures, measure_structures

_LABELS = (0, 1, 2, 3)
_SPACING = (1.0, 2.0, 1.5)
_MAPS = hnp.arrays(np.uint8, (3, 5, 6, 4), elements=hnp.from_dtype(np.dtype(np.uint8), max_value=3))


def _structures(
    fixed: NDArray[np.uint8],
    moving: NDArray[np.uint8],
    warped: NDArray[np.uint8],
    spacing: tuple[float, float, float] = _SPACING,
) -> Structures:
    return Structures(*(box_labels(one, _LABELS) for one in (fixed, moving, warped)), spacing)


@settings(max_examples=40, deadline=None)
@given(_MAPS)
def test_boxes_do_not_change_the_numbers(maps: NDArray[np.uint8]) -> None:
    fixed, moving, warped = maps
    found = measure_structures(_structures(fixed, moving, warped), _LABELS, _LABELS)
    for label, one in found.items():
        masks = fixed == label, moving == label, warped == label
        if not (masks[0].any() and masks[1].any()):
            assert one.presence.startswith("absent")
            assert math.isnan(one.dice)
            continue
        assert (one.dice_before, one.dice) == (dice(*masks[:2]), dice(masks[0], masks[2]))
        assert one.hd95_before == surface_distances(*masks[:2]).hd95
        assert one.hd95 == surface_distances(masks[0], masks[2]).hd95
        in_mm = surface_distances(masks[0], masks[2], _SPACING)
        assert (one.hd95_mm, one.assd_mm) == pytest.approx(tuple(in_mm))


def test_presence_of_every_kind() -> None:
    fixed, moving, warped = np.zeros((3, 4, 4, 4), dtype=np.uint8)
    fixed[0], moving[1], warped[1] = 1, 1, 1
    fixed[1], moving[2], fixed[2] = 2, 2, 3
    found = measure_structures(_structures(fixed, moving, warped), (1, 2, 3, 4), (1, 2, 3, 4))
    assert [one.presence for one in found.values()] == ["both", "lost", "absent_moving", "absent"]
    assert (found[2].dice, found[2].hd95, found[2].hd95_mm, found[2].assd_mm) == (0, *3 * (math.inf,))
    assert math.isnan(found[3].dice_before)
    swapped = measure_structures(_structures(moving, fixed, warped), (3,), (3,))
    assert swapped[3].presence == "absent_fixed"


def test_equal_spacing_scales_the_distances_in_voxels() -> None:
    maps = np.random.default_rng(0).integers(0, 3, (3, 8, 7, 6)).astype(np.uint8)
    one = measure_structures(_structures(*maps, (2.0, 2.0, 2.0)), (1,), (1,))[1]
    assert one.hd95_mm == 2 * one.hd95
    assert one.assd_mm == pytest.approx(surface_distances(*(maps[[0, 2]] == 1), (2.0, 2.0, 2.0)).assd)


def test_surfaces_are_measured_where_asked() -> None:
    maps = np.random.default_rng(0).integers(0, 3, (3, 8, 7, 6)).astype(np.uint8)
    found = measure_structures(_structures(*maps), (0, 1), (1,))
    assert isinstance(found[0], Measures)
    assert math.isnan(found[0].hd95)
    assert found[0].dice > 0
    assert found[1].hd95 > 0


def test_threads_give_the_same_digits() -> None:
    maps = np.random.default_rng(1).integers(0, 4, (3, 9, 9, 9)).astype(np.uint8)
    alone = measure_structures(_structures(*maps), _LABELS, _LABELS)
    with ThreadPoolExecutor(3) as pool:
        together = measure_structures(_structures(*maps), _LABELS, _LABELS, spread=pool.map)
    assert together == alone
    assert list(together) == list(alone)
