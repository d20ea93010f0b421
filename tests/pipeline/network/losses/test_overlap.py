"""Dice losses on label maps with known answers."""

import pytest
import torch

from pipeline.network.losses import challenge_dice_loss, dice_loss, one_hot

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

SHAPE = (6, 5, 4)


def halves() -> torch.Tensor:
    labels = torch.zeros(1, *SHAPE, dtype=torch.int64)
    labels[:, 3:] = 1
    return labels


def test_one_hot_has_a_channel_for_each_region() -> None:
    channels = one_hot(halves(), 3)
    assert channels.shape == (1, 3, *SHAPE)
    assert channels.dtype == torch.float32
    assert torch.equal(channels.argmax(1), halves())
    assert torch.equal(channels.sum(1), torch.ones(1, *SHAPE))


def test_dice_of_equal_label_maps_is_zero_loss() -> None:
    channels = one_hot(halves(), 2)
    assert dice_loss(channels, channels).item() == pytest.approx(0, abs=1e-6)


def test_dice_of_disjoint_label_maps_is_full_loss() -> None:
    assert dice_loss(one_hot(halves(), 2), one_hot(1 - halves(), 2)).item() == pytest.approx(1)


@pytest.mark.parametrize("regions", [3, 4, 10])
def test_each_class_absent_from_both_costs_its_share(regions: int) -> None:
    channels = one_hot(halves(), regions)
    assert dice_loss(channels, channels).item() == pytest.approx((regions - 2) / regions, abs=1e-6)


def test_dice_uses_squares_in_its_denominator() -> None:
    fixed = torch.ones(1, 1, *SHAPE)
    warped = torch.full_like(fixed, 0.5)
    assert dice_loss(warped, fixed).item() == pytest.approx(1 - 2 * 0.5 / (0.25 + 1), abs=1e-6)


def test_dice_counts_background_like_any_class() -> None:
    fixed, warped = one_hot(halves(), 2), one_hot(halves(), 2)
    warped[:, 1] = 0
    assert dice_loss(warped, fixed).item() == pytest.approx(0.5, abs=1e-6)


def test_dice_has_a_gradient_towards_the_target() -> None:
    fixed = one_hot(halves(), 2)
    warped = torch.full_like(fixed, 0.5, requires_grad=True)
    dice_loss(warped, fixed).backward()
    assert warped.grad is not None
    assert (warped.grad[fixed == 1] < 0).all()
    assert (warped.grad[fixed == 0] > 0).all()


def test_the_challenge_form_leaves_absent_classes_and_background_out() -> None:
    labels = torch.zeros(1, *SHAPE, dtype=torch.int64)
    labels[:, :2], labels[:, 2:4] = 1, 5
    moved = labels.roll(1, dims=1)
    per_class = [dice_loss(one_hot(moved, 9)[:, [k]], one_hot(labels, 9)[:, [k]]).item() for k in (1, 5)]
    challenge = challenge_dice_loss(one_hot(moved, 9), one_hot(labels, 9)).item()
    assert challenge == pytest.approx(sum(per_class) / 2, abs=1e-6)
    assert 0 < challenge < dice_loss(one_hot(moved, 9), one_hot(labels, 9)).item()


def test_the_challenge_form_counts_each_image_of_a_batch_by_its_own_classes() -> None:
    labels = torch.cat([halves(), 2 * halves()])
    channels = one_hot(labels, 3)
    assert challenge_dice_loss(channels, channels).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("side", ["warped", "fixed"])
def test_the_challenge_form_leaves_out_what_only_one_side_has(side: str) -> None:
    one, other = one_hot(halves(), 3), one_hot(2 * halves(), 3)
    warped, fixed = (one, other) if side == "warped" else (other, one)
    warped = warped.clone().requires_grad_()
    loss = challenge_dice_loss(warped, fixed)
    loss.backward()
    assert loss.item() == 0
    assert warped.grad is not None
    assert warped.grad.abs().max() == 0
