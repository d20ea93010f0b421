"""The inverse of a smooth displacement undoes it."""

import numpy as np
from scipy import ndimage

from evaluation.submission.inverse import inverted


def test_there_and_back_is_no_displacement() -> None:
    shape = (20, 18, 22)
    noise = np.random.default_rng(0).normal(size=(3, *shape))
    parts = np.stack([60 * ndimage.gaussian_filter(one, 4) for one in noise])
    back = np.moveaxis(inverted(np.moveaxis(parts, 0, -1).astype(np.float32)), -1, 0)
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij")) + back
    forth = np.stack([ndimage.map_coordinates(one, places, order=1, mode="nearest") for one in parts])
    inner = (slice(None), *(slice(5, -5),) * 3)
    assert np.abs(back)[inner].max() > 1.5
    assert np.abs(back + forth)[inner].max() < 0.05
