"""Where a pair is worst."""

import numpy as np

from evaluation.htmlreport.worst import worst_fold, worst_labels, worst_likeness

__all__: list[str] = []

SHAPE = (40, 40, 40)


def test_the_largest_error_of_labels_counts_and_no_stray_voxel() -> None:
    fixed = np.zeros(SHAPE, np.uint8)
    fixed[10:30, 10:30, 10:30] = 1
    warped = fixed.copy()
    warped[5, 35, 5] = 1
    warped[22:30, 22:30, 22:30] = 0
    place = worst_labels(fixed, warped, [1])
    assert place is not None
    assert all(22 <= one < 30 for one in place.voxel)
    assert "after registration 70 % of the 9x9x9 voxels" in place.reason


def test_one_label_in_place_of_another_is_an_error_and_others_do_not_count() -> None:
    fixed, warped = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    fixed[5:12, 5:12, 5:12], warped[5:12, 5:12, 5:12] = 1, 2
    # Label 9 is not among those that are scored.
    fixed[20:38, 20:38, 20:38] = 9
    place = worst_labels(fixed, warped, [1, 2])
    assert place is not None
    assert all(7 <= one <= 9 for one in place.voxel)


def test_labels_that_agree_are_shown_through_their_middle() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[10:21, 12:23, 14:25] = 3
    place = worst_labels(labels, labels, [3])
    assert place is not None
    assert place.voxel == (15, 17, 19)
    assert worst_labels(np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8), [1]) is None


def test_the_edge_of_the_moving_image_is_no_error() -> None:
    fixed = np.full(SHAPE, 0.5, np.float32)
    warped = fixed.copy()
    warped[:8] = 0
    warped[20:26, 20:26, 20:26] = 0.8
    covered = np.ones(SHAPE, bool)
    covered[:8] = False
    place = worst_likeness(fixed, warped, covered)
    assert all(18 <= one <= 27 for one in place.voxel)
    assert worst_likeness(fixed, warped, np.ones(SHAPE, bool)).voxel[0] < 8


def test_the_deepest_fold_is_found() -> None:
    u = np.zeros((*SHAPE, 3), np.float32)
    u[17, 20, 23, 0] = 4
    x, y, z = worst_fold(u).voxel
    assert (x, y, z) == (18, 20, 23)
    assert worst_fold(np.zeros((4, 4, 4, 3), np.float32)).voxel == (2, 2, 2)
