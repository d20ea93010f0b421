"""What a trial measures, with labels, with images, and where neither is at hand."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.metrics.overlap import dice
from evaluation.scoring.warp import warp_labels
from evaluation.submission.conventions import AS_STORED, CONVENTIONS
from evaluation.submission.trial import Evidence, Likeness, Trial, read_evidence, sample_points, try_field
from pairs.images.volume import Header

SHAPE = (12, 10, 14)


def header(shape: tuple[int, int, int] = SHAPE) -> Header:
    return Header(Path("fixed.nii.gz"), shape, (1.0, 1.0, 1.0), np.eye(4), np.dtype("u1"))


def stored(u: np.ndarray, fixed: np.ndarray, moving: np.ndarray, measure: str) -> Trial:
    """The trial of a field as stored."""
    return try_field("a", u, Evidence((Likeness(measure, fixed, moving),), header()), (AS_STORED,))


def test_dice_is_that_of_the_evaluator(registered_pair: Callable) -> None:
    fixed, moving, u = registered_pair(SHAPE, 3)
    warped = warp_labels(moving, 0.6 * u)
    labels = [label for label in np.unique(fixed) if label and np.count_nonzero(fixed == label) >= 4]
    expected = np.mean([dice(fixed == label, warped == label) for label in labels])
    before = np.mean([dice(fixed == label, moving == label) for label in labels])
    trial = stored(0.6 * u, fixed, moving, "mean Dice")
    # The evaluator takes positions beyond the border as background, the trial up to half a voxel later.
    assert trial.after[0, 0] == pytest.approx(expected, abs=0.02)
    assert trial.before[0] == pytest.approx(before)


@pytest.mark.parametrize("measure", ["image correlation", "correlation ratio"])
def test_images_that_agree_measure_one(measure: str) -> None:
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    trial = stored(np.zeros((*SHAPE, 3), np.float32), image, image, measure)
    assert trial.after[0, 0] > 0.98
    assert not trial.informative


@pytest.mark.parametrize("measure", ["image correlation", "correlation ratio"])
def test_a_flat_image_tells_nothing(measure: str) -> None:
    flat = np.ones(SHAPE, np.float32)
    assert not stored(np.zeros((*SHAPE, 3), np.float32), flat, flat, measure).informative


def test_displacements_beyond_all_bounds_give_background(registered_pair: Callable) -> None:
    fixed, moving, u = registered_pair(SHAPE, 1)
    far = np.full_like(u, 1e30)
    assert stored(far, fixed, moving, "mean Dice").after[0, 0] == 0
    assert stored(far, fixed, moving, "image correlation").after[0, 0] == 0


def test_a_large_volume_is_sampled_thinly() -> None:
    volume = np.zeros((96, 80, 112), np.uint8)
    mesh = sample_points(volume, volume)
    assert 2_000 < math.prod(side.size for side in mesh) <= 4_000
    for places, side in zip(mesh, (96, 80, 112), strict=True):
        assert abs(places.min() - (side - 1 - places.max())) <= 1
    thin = np.zeros((4, 300, 300), np.uint8)
    assert sample_points(thin, thin)[0].size == 4


def test_the_points_lie_where_something_is() -> None:
    volume = np.zeros((96, 80, 112), np.uint8)
    volume[40:52, 30:42, 60:72] = 1
    mesh = sample_points(np.zeros_like(volume), volume)
    assert [side.min() for side in mesh] == pytest.approx((36, 26, 56), abs=1)
    assert [side.max() for side in mesh] == pytest.approx((55, 45, 75), abs=1)


def test_samples_of_a_displacement_are_those_of_the_whole() -> None:
    field = np.random.default_rng(0).normal(size=(8, 8, 8, 3)).astype(np.float32)
    grid, mesh = header((8, 8, 8)), np.ix_([1, 4, 5], [0, 2], [3, 7])
    for one in CONVENTIONS:
        whole = one.displacement(field, grid)
        assert np.allclose(one.displacement(field, grid, mesh), whole[mesh], atol=1e-5), one.name


def test_the_challenges_convention_comes_first_and_each_one_once() -> None:
    assert CONVENTIONS[0] is AS_STORED
    assert len({one.name for one in CONVENTIONS}) == len(CONVENTIONS)
    mistakes = [len(one.mistakes) for one in CONVENTIONS]
    assert mistakes == sorted(mistakes)


def test_axes_of_other_lengths_are_not_tried_in_another_order() -> None:
    def orders(shape: tuple[int, int, int]) -> set[tuple[int, ...]]:
        return {one.spatial[0] for one in CONVENTIONS if one.fits(shape)}

    assert len(orders((8, 8, 8))) == 6
    assert orders(SHAPE) == {(0, 1, 2)}
    assert orders((8, 8, 10)) == {(0, 1, 2), (1, 0, 2)}


def test_evidence_is_labels_and_images_as_far_as_they_are_there(make_known: Callable) -> None:
    known = make_known(pairs=1)
    (pair,) = known.task.pairs

    def measures() -> list[str] | None:
        evidence = read_evidence(pair)
        return None if evidence is None else [one.measure for one in evidence.likenesses]

    assert measures() == ["mean Dice", "image correlation"]
    for path in (known.task.root / "labelsTr").iterdir():
        path.unlink()
    assert measures() == ["image correlation"]
    pair.moving.unlink()
    assert measures() is None
