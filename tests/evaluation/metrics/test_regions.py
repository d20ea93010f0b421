"""Boxes of structures."""

import numpy as np

from evaluation.metrics.regions import box_labels, labels_present


def test_boxes_enclose_exactly() -> None:
    labels = np.zeros((6, 7, 8), dtype=np.int16)
    labels[1:3, 2:6, 4] = 3
    labels[5, 6, 7] = 300
    boxes = box_labels(labels, (3, 4, 300)).boxes
    assert boxes == {3: (slice(1, 3), slice(2, 6), slice(4, 5)), 300: (slice(5, 6), slice(6, 7), slice(7, 8))}
    assert labels_present(labels) == (3, 300)
