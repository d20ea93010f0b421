"""Volumes sampled on another grid: linear, smoothed where the new grid is coarser, nearest for labels."""

import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from pairs.images import sampling
from pairs.images.relation import Matrix
from pairs.images.sampling import image_at, sampled_labels, sampled_linearly, voted_labels_at

__all__: list[str] = []


def scaling(*factors: float) -> Matrix:
    """Centres of the first voxels' outer corners coincide, so that whole voxels are covered."""
    matrix = np.diag((*factors, 1.0))
    matrix[:3, 3] = (np.array(factors) - 1) / 2
    return matrix


def test_the_identity_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_BLOCK", 5)
    image = np.random.default_rng(0).random((7, 12, 9), np.float32)
    assert np.array_equal(sampled_linearly(image, image.shape, np.eye(4)), image)
    labels = (image * 9).astype(np.uint8)
    found = sampled_labels(labels, labels.shape, np.eye(4))
    assert np.array_equal(found, labels)
    assert found.dtype == np.uint8


def test_a_linear_image_is_linear_after_matrix_and_displacement() -> None:
    x, y, z = np.indices((12, 14, 16), dtype=np.float32)
    image = x + 2 * y - 3 * z
    matrix = np.array([[0.8, -0.3, 0, 3], [0.3, 0.8, 0, 2], [0, 0, 0.5, 4], [0, 0, 0, 1]])
    u = np.random.default_rng(0).uniform(-0.5, 0.5, (6, 7, 8, 3)).astype(np.float32)
    found = sampled_linearly(image, (6, 7, 8), matrix, u)
    points = np.moveaxis(np.indices((6, 7, 8)), 0, -1) + u
    place = points @ matrix[:3, :3].T + matrix[:3, 3]
    assert found == pytest.approx(place @ [1, 2, -3], abs=1e-4)


def test_beyond_the_outermost_half_voxel_is_the_background() -> None:
    image = np.arange(-2, 6, dtype=np.float32).reshape(2, 2, 2)
    shift = np.eye(4)
    shift[0, 3] = -0.4
    assert np.array_equal(sampled_linearly(image, (2, 2, 2), shift)[0], image[0])
    shift[0, 3] = -0.6
    assert (sampled_linearly(image, (2, 2, 2), shift)[0] == -2).all()
    assert (sampled_labels(image.astype(np.int16), (2, 2, 2), shift)[0] == 0).all()


def test_a_finer_image_is_smoothed_so_that_nothing_aliases() -> None:
    """Stripes finer than the new grid become grey, whatever voxels it happens to meet."""
    stripes = np.broadcast_to((np.arange(96) % 4 < 2).astype(np.float32)[:, None, None], (96, 6, 6)).copy()
    smooth = sampled_linearly(stripes, (12, 6, 6), scaling(8, 1, 1), smoothed=True)
    assert np.abs(smooth[2:-2] - 0.5).max() < 0.02
    shifted = scaling(8, 1, 1)
    shifted[0, 3] += 1
    assert np.abs(sampled_linearly(stripes, (12, 6, 6), shifted)[2:-2] - 0.5).max() > 0.4
    assert np.abs(sampled_linearly(stripes, (12, 6, 6), shifted, smoothed=True)[2:-2] - 0.5).max() < 0.02


def test_a_coarser_image_is_not_smoothed() -> None:
    image = np.random.default_rng(0).random((6, 7, 8), np.float32)
    fine = (12, 14, 16)
    sharp = sampled_linearly(image, fine, scaling(0.5, 0.5, 0.5))
    assert np.array_equal(sampled_linearly(image, fine, scaling(0.5, 0.5, 0.5), smoothed=True), sharp)


def test_blocks_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(0).random((40, 40, 40), np.float32)
    whole = sampled_linearly(image, (13, 13, 13), scaling(3, 3, 3), smoothed=True)
    monkeypatch.setattr(sampling, "_LARGEST_PART", 12)
    assert sampled_linearly(image, (13, 13, 13), scaling(3, 3, 3), smoothed=True) == pytest.approx(
        whole, abs=1e-6
    )
    sigma = np.sqrt(8) / 2.355
    smooth = ndimage.gaussian_filter(image, sigma, mode="nearest", truncate=3)
    assert whole[6, 6, 6] == pytest.approx(smooth[19, 19, 19], abs=1e-5)


def test_a_large_image_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_LARGEST_PART", 40)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    image = np.random.default_rng(0).random((160, 160, 160), np.float32)
    tracemalloc.start()
    sampled_linearly(image, (16, 16, 16), scaling(10, 10, 10), smoothed=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.5 * image.nbytes


def test_labels_take_the_nearest_voxel() -> None:
    labels = np.zeros((8, 8, 8), np.int16)
    labels[4:] = 300
    matrix = np.eye(4)
    matrix[0, 3] = 0.3
    assert np.array_equal(sampled_labels(labels, labels.shape, matrix), labels)


def test_places_may_be_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block asks where its voxels lie; nowhere is beyond the image."""
    monkeypatch.setattr(sampling, "_BLOCK", 4)
    image = np.random.default_rng(0).random((6, 7, 8), np.float32)
    reversed_places = np.indices(image.shape, dtype=np.float64)[:, ::-1]
    reversed_places[:, 0, 0, 0] = np.nan
    found = image_at(image, image.shape, lambda block: reversed_places[:, *block])
    expected = image[::-1].copy()
    expected[0, 0, 0] = image.min()
    assert np.array_equal(found, expected)


def test_large_integers_keep_their_digits() -> None:
    image = np.full((2, 2, 2), 2**24 + 1, np.int32)
    assert sampled_linearly(image, (2, 2, 2), np.eye(4))[1, 1, 1] == 2**24 + 1


def test_a_vote_is_the_largest_of_the_labels_sampled_linearly() -> None:
    random = np.random.default_rng(1)
    labels = random.choice(np.array([0, 2, 5, 9], np.int16), (7, 6, 8))
    where = random.uniform(-0.4, 6.4, (3, 5, 6, 7))
    found = voted_labels_at(labels, (5, 6, 7), lambda block: where[:, *block])
    values = [0, 2, 5, 9]
    one_hot = [
        ndimage.map_coordinates((labels == one).astype(float), where, order=1, mode="nearest")
        for one in values
    ]
    within = sampling.inside(where, labels.shape)
    assert 0.5 < within.mean() < 1
    assert np.array_equal(found, np.where(within, np.array(values)[np.argmax(one_hot, axis=0)], 0))
    assert found.dtype == np.int16
