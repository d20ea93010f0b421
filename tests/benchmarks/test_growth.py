"""How much of a segmentor's gap is a structure that is too large, or too small, in every scan alike."""

import numpy as np
import pytest

from benchmarks.growth import GROWTHS_MM, dice_by_growth, grown_alike

__all__: list[str] = []

SPACING = (1.0, 1.0, 1.0)


def bar(start: int, stop: int) -> np.ndarray:
    """A plate through the whole box, of which two faces alone can move."""
    mask = np.zeros((30, 12, 12), np.bool_)
    mask[start:stop] = True
    return mask


def test_a_structure_that_is_a_voxel_too_large_fits_when_shrunk_by_it() -> None:
    true, seen = np.zeros((2, 20, 20, 20), np.bool_)
    true[5:15, 5:15, 5:15] = seen[4:16, 4:16, 4:16] = True
    found = dict(zip(GROWTHS_MM, dice_by_growth(true, seen, SPACING), strict=True))
    assert found[0.0] == pytest.approx(2 * 1000 / (1000 + 1728))
    assert found[-1.0] == 1.0
    assert found[1.0] < found[0.0]


def test_voxels_are_counted_in_millimetres() -> None:
    true, seen = bar(10, 20), bar(11, 19)
    by_mm = dice_by_growth(true, seen, (0.5, 4.0, 4.0))
    assert by_mm[GROWTHS_MM.index(0.5)] > by_mm[GROWTHS_MM.index(0.0)]


def test_what_was_not_found_cannot_grow() -> None:
    assert set(dice_by_growth(bar(10, 20), bar(0, 0), SPACING)) == {0.0}


def test_of_growths_that_change_nothing_the_least_is_taken() -> None:
    curve = dice_by_growth(bar(10, 20), bar(10, 20), SPACING)
    assert curve[GROWTHS_MM.index(-0.25)] == 1.0
    assert grown_alike([curve, curve]).mm == 0.0


def test_a_growth_is_chosen_by_the_other_scans() -> None:
    """Two scans ask for one growth, a third for another: what suits a scan itself is not taken for it."""
    wide, narrow = [0.0] * len(GROWTHS_MM), [0.0] * len(GROWTHS_MM)
    up, down = GROWTHS_MM.index(1.0), GROWTHS_MM.index(-1.0)
    wide[up], narrow[down] = 0.9, 0.8
    found = grown_alike([wide, wide, narrow])
    assert found.mm == 1.0
    # Each wide one sees a wide and a narrow one; the narrow one sees two wide ones.
    assert found.dice == pytest.approx((0.9 + 0.9 + 0.0) / 3)
