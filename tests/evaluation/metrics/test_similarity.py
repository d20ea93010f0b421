"""Correlation and mutual information on images whose values are known."""

import math

import numpy as np
import pytest

from evaluation.metrics.similarity import similarity

__all__: list[str] = []

IMAGE = np.random.default_rng(0).random((12, 13, 14), np.float32)


def test_correlation_is_that_of_numpy() -> None:
    other = (IMAGE + np.random.default_rng(1).random(IMAGE.shape)).astype(np.float32)
    assert similarity(IMAGE, other).correlation == pytest.approx(np.corrcoef(IMAGE.flat, other.flat)[0, 1])
    assert similarity(IMAGE, 5 - 3 * IMAGE).correlation == pytest.approx(-1)


def test_mutual_information_does_not_mind_which_value_stands_for_what() -> None:
    halves = (IMAGE > 0.5).astype(np.float32)
    share = halves.mean()
    entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
    assert similarity(halves, halves).mutual_information == pytest.approx(entropy)
    assert similarity(halves, -7 * halves).mutual_information == pytest.approx(entropy)
    big = np.random.default_rng(2).random((2, 60, 60, 60), np.float32)
    assert similarity(big[0], big[1]).mutual_information < 0.01


def test_only_the_mask_is_looked_at() -> None:
    mask = np.zeros(IMAGE.shape, bool)
    mask[:6] = True
    other = np.where(mask, IMAGE, 9).astype(np.float32)
    assert similarity(IMAGE, other, mask).correlation == pytest.approx(1)
    assert similarity(IMAGE, other).correlation < 0.9


def test_a_constant_image_has_no_number() -> None:
    found = similarity(IMAGE, np.ones_like(IMAGE))
    assert math.isnan(found.correlation)
    assert math.isnan(found.mutual_information)
