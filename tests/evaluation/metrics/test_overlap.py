"""Dice of masks with a known overlap."""

import math

import numpy as np
import pytest

from evaluation.metrics.overlap import dice


def test_dice_of_equal_disjoint_and_overlapping_masks() -> None:
    first = np.zeros((4, 4, 4), dtype=bool)
    first[:2] = True
    half = np.zeros_like(first)
    half[1:3] = True
    assert dice(first, first) == 1
    assert dice(first, ~first) == 0
    assert dice(first, half) == pytest.approx(0.5)
    assert math.isnan(dice(first & ~first, first & ~first))
