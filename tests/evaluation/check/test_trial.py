"""What a trial measures, with labels, with images, and where neither is at hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.check.hypotheses import AS_STORED, hypotheses
from evaluation.check.lattice import sample
from evaluation.check.trial import Evidence, read_evidence, try_field
from evaluation.metrics.overlap import dice
from evaluation.scoring.warp import warp_labels
from pairs.volume import Header

SHAPE = (12, 10, 14)


def header(shape: tuple[int, int, int] = SHAPE) -> Header:
    return Header(Path("fixed.nii.gz"), shape, (1.0, 1.0, 1.0), np.eye(4), np.dtype("u1"))


def test_dice_is_that_of_the_evaluator(registered_pair: Callable) -> None:
    fixed, moving, u = registered_pair(SHAPE, 3)
    warped = warp_labels(moving, 0.6 * u)
    labels = [label for label in np.unique(fixed) if label and np.count_nonzero(fixed == label) >= 4]
    expected = np.mean([dice(fixed == label, warped == label) for label in labels])
    before = np.mean([dice(fixed == label, moving == label) for label in labels])
    trial = try_field("a", sample(0.6 * u), Evidence(fixed, moving, True, True, header()), ())
    # The evaluator takes positions beyond the border as background, the trial up to half a voxel later.
    assert trial.stored == pytest.approx(expected, abs=0.02)
    assert trial.before == pytest.approx(before)


@pytest.mark.parametrize("same", [True, False])
def test_images_that_agree_measure_one(same: bool) -> None:
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    trial = try_field(
        "a", sample(np.zeros((*SHAPE, 3), np.float32)), Evidence(image, image, False, same, header()), ()
    )
    assert trial.stored > 0.98
    assert trial.measure == ("image correlation" if same else "correlation ratio")


def test_a_flat_image_measures_nothing() -> None:
    flat = np.ones(SHAPE, np.float32)
    for same in (True, False):
        lattice = sample(np.zeros((*SHAPE, 3), np.float32))
        trial = try_field("a", lattice, Evidence(flat, flat, False, same, header()), ())
        assert np.isnan(trial.stored)


def test_displacements_beyond_all_bounds_give_background(registered_pair: Callable) -> None:
    fixed, moving, u = registered_pair(SHAPE, 1)
    far = np.full_like(u, 1e30)
    assert try_field("a", sample(far), Evidence(fixed, moving, True, True, header()), ()).stored == 0


def test_a_large_field_is_sampled_thinly() -> None:
    field = np.zeros((96, 80, 112, 3), np.float32)
    lattice = sample(field)
    assert 8_000 < lattice.points[..., 0].size <= 16_000
    for positions, side in zip(lattice.axes, (96, 80, 112), strict=True):
        assert abs(positions[0] - (side - 1 - positions[-1])) <= 1
    thin = sample(np.zeros((4, 300, 300, 3), np.float32))
    assert thin.displacement.shape[0] == 4


def test_every_hypothesis_keeps_the_lattice() -> None:
    lattice = sample(np.random.default_rng(0).normal(size=(*(8, 8, 8), 3)).astype(np.float32))
    listed = hypotheses(header((8, 8, 8)))
    assert len({one.name for one in listed}) == len(listed)
    assert all(one.apply(lattice).shape == lattice.displacement.shape for one in listed)
    assert np.array_equal(AS_STORED.apply(lattice), lattice.displacement)


def test_axes_of_other_lengths_are_not_tried_in_another_order() -> None:
    assert not [one for one in hypotheses(header()) if one.transpose is not None]
    assert len([one for one in hypotheses(header((8, 8, 10))) if one.transpose is not None]) == 2


def test_evidence_is_labels_then_images_then_nothing(make_known: Callable) -> None:
    known = make_known(pairs=1)
    (pair,) = known.task.pairs
    evidence = read_evidence(pair)
    assert evidence is not None
    assert evidence.measure == "mean Dice"
    labels = known.task.root / "labelsTr"
    for path in labels.iterdir():
        path.unlink()
    evidence = read_evidence(pair)
    assert evidence is not None
    assert evidence.measure == "image correlation"
    pair.moving.unlink()
    assert read_evidence(pair) is None
