"""Boxes of structures and the masks cut out of them."""

import numpy as np

from evaluation.metrics.regions import box_labels, labels_present, mask_pair


def test_boxes_enclose_exactly() -> None:
    labels = np.zeros((6, 7, 8), dtype=np.int16)
    labels[1:3, 2:6, 4] = 3
    labels[5, 6, 7] = 300
    boxes = box_labels(labels, (3, 4, 300)).boxes
    assert boxes == {3: (slice(1, 3), slice(2, 6), slice(4, 5)), 300: (slice(5, 6), slice(6, 7), slice(7, 8))}
    assert labels_present(labels) == (3, 300)


def test_masks_are_whole_in_their_common_box() -> None:
    fixed = np.zeros((9, 9, 9), dtype=np.uint8)
    warped = np.zeros_like(fixed)
    fixed[1:3, 1:3, 1:3] = 2
    warped[6:9, 5:8, 4:6] = 2
    one, other = mask_pair(box_labels(fixed, [2]), box_labels(warped, [2]), 2)
    assert one.shape == other.shape == (8, 7, 5)
    assert (one.sum(), other.sum()) == (8, 18)


def test_mask_of_a_lost_structure_is_empty() -> None:
    fixed = np.ones((3, 3, 3), dtype=np.uint8)
    one, other = mask_pair(box_labels(fixed, [1]), box_labels(0 * fixed, [1]), 1)
    assert one.all()
    assert not other.any()
