"""The training losses on label maps and fields with known answers."""

import pytest
import torch

from pipeline.losses import dice_loss, gradient_loss, one_hot

__all__: list[str] = []

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


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("component", [0, 1, 2])
def test_gradient_loss_of_a_ramp_is_a_ninth_of_its_squared_slope(component: int, axis: int) -> None:
    field = torch.zeros(1, 3, *SHAPE)
    ramp = torch.arange(SHAPE[axis]).float() * 1.5
    field[0, component] = ramp.view([-1 if i == axis else 1 for i in range(3)])
    assert gradient_loss(field).item() == pytest.approx(1.5**2 / 9, rel=1e-5)


def test_gradient_loss_of_a_constant_is_zero() -> None:
    assert gradient_loss(torch.full((1, 3, *SHAPE), 4.0)).item() == 0
