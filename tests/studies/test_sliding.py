"""The drawn pair: its images, labels and displacement belong together."""

import torch

from pipeline.network.warp import warp
from studies.sliding import SHAPE, SlidingPair, draw_sliding_pair

__all__: list[str] = []


def drawn(seed: int = 3) -> SlidingPair:
    return draw_sliding_pair(torch.Generator().manual_seed(seed))


def test_the_true_displacement_brings_moving_onto_fixed() -> None:
    for seed in range(4):
        pair = drawn(seed)
        moving, fixed = pair.moving.sample, pair.fixed.sample
        before = (moving.image - fixed.image)[0, 0].abs()
        after = (warp(moving.image, pair.displacement) - fixed.image)[0, 0].abs()
        body = fixed.labels[0] > 0
        # What is left is the noise of both images and what linear interpolation loses.
        assert after[body].mean() < 0.04
        assert after[body].mean() < before[body].mean() / 2
        # At the border itself, too: the slide mixes no voxels of the two bodies.
        at_border = torch.zeros(SHAPE, dtype=torch.bool)
        at_border[pair.border - 1 : pair.border + 1] = True
        assert after[body & at_border].mean() < 0.04


def test_labels_follow_the_same_displacement() -> None:
    pair = drawn()
    warped = warp(pair.moving.sample.labels[:, None].float(), pair.displacement, mode="nearest")[:, 0]
    assert (warped == pair.fixed.sample.labels).float().mean() > 0.97
    assert (pair.moving.sample.labels != pair.fixed.sample.labels).any()


def test_the_jump_is_at_the_border_and_twice_the_slide() -> None:
    pair = drawn()
    step = torch.diff(pair.displacement[0], dim=1)
    elsewhere = [index for index in range(SHAPE[0] - 1) if index != pair.border - 1]
    assert not step[:, elsewhere].any()
    assert torch.equal(step[:, pair.border - 1, 5, 5], 2 * pair.slide)
    labels = pair.fixed.sample.labels[0]
    assert labels[: pair.border].unique().tolist() == [0, 1]
    assert labels[pair.border :].unique().tolist() == [0, 2]


def test_a_seed_draws_the_same_pair_and_another_one_another() -> None:
    one, same, other = drawn(1), drawn(1), drawn(2)
    assert torch.equal(one.fixed.sample.image, same.fixed.sample.image)
    assert torch.equal(one.moving.sample.image, same.moving.sample.image)
    assert not torch.equal(one.fixed.sample.image, other.fixed.sample.image)
    assert not torch.equal(one.slide, other.slide)


def test_both_senses_of_the_slide_and_several_borders_are_drawn() -> None:
    pairs = [drawn(seed) for seed in range(20)]
    assert {float(pair.slide[1].sign()) for pair in pairs} == {-1.0, 1.0}
    assert len({pair.border for pair in pairs}) > 2


def test_bodies_slide_either_way_or_always_one_way() -> None:
    for one_sense, senses in ((False, {-1.0, 1.0}), (True, {1.0})):
        generator = torch.Generator().manual_seed(3)
        slides = [draw_sliding_pair(generator, one_sense=one_sense).slide[1] for _ in range(8)]
        assert {float(slide.sign()) for slide in slides} == senses
