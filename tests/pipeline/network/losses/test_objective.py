"""The losses that a configuration names."""

import pytest
import torch

from pipeline.config import LossConfig
from pipeline.network.correlation import multiscale_ncc_loss
from pipeline.network.losses import (
    bending_loss,
    challenge_dice_loss,
    dice_loss,
    gradient_loss,
    mse_loss,
    volume_loss,
    weighted_losses,
)

__all__: list[str] = []

SHAPE = (8, 8, 8)
RANDOM = torch.Generator().manual_seed(0)
WARPED = torch.rand(1, 4, *SHAPE, generator=RANDOM)
IMAGE = torch.rand(1, 1, *SHAPE, generator=RANDOM)
REGIONS = torch.rand(1, 3, *SHAPE, generator=RANDOM)
DISPLACEMENT = torch.rand(1, 3, *SHAPE, generator=RANDOM)
VELOCITY = torch.rand(1, 3, 4, 4, 4, generator=RANDOM)


def losses(**settings: object) -> dict[str, float]:
    config = LossConfig(**settings)
    found = weighted_losses(WARPED, IMAGE, REGIONS, DISPLACEMENT, VELOCITY, config)
    return {name: value.item() for name, value in found.items()}


def test_the_defaults_are_those_of_the_paper() -> None:
    assert losses() == {
        "similarity": mse_loss(WARPED[:, :1], IMAGE).item(),
        "dice": dice_loss(WARPED[:, 1:], REGIONS).item(),
        "smoothness": (0.1 * gradient_loss(VELOCITY)).item(),
    }


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        (
            {"similarity_kind": "ncc", "ncc_window": 5, "ncc_scales": 2},
            "similarity",
            multiscale_ncc_loss(WARPED[:, :1], IMAGE, 5, 2),
        ),
        ({"dice_kind": "challenge"}, "dice", challenge_dice_loss(WARPED[:, 1:], REGIONS)),
        ({"regulariser": "bending"}, "smoothness", 0.1 * bending_loss(VELOCITY)),
        ({"regularised": "displacement"}, "smoothness", 0.1 * gradient_loss(DISPLACEMENT)),
        (
            {"regulariser": "bending", "regularised": "displacement", "smoothness": 2.0},
            "smoothness",
            2 * bending_loss(DISPLACEMENT),
        ),
        ({"similarity": 3.0}, "similarity", 3 * mse_loss(WARPED[:, :1], IMAGE)),
        ({"dice": 0.0}, "dice", torch.zeros(())),
    ],
)
def test_one_setting_changes_one_loss(settings: dict[str, object], name: str, value: torch.Tensor) -> None:
    assert losses(**settings) == pytest.approx(losses() | {name: value.item()}, rel=1e-6)


def test_volumes_count_only_where_they_have_a_weight() -> None:
    assert losses(volume=2.0) == losses() | {"volume": pytest.approx(2 * volume_loss(DISPLACEMENT).item())}


@pytest.mark.parametrize(("window", "scales"), [(3, 2), (5, 3), (3, 3)])
def test_a_window_that_shrinks_to_nothing_is_refused(window: int, scales: int) -> None:
    with pytest.raises(ValueError, match="ncc_window to be at least"):
        LossConfig(ncc_window=window, ncc_scales=scales)
