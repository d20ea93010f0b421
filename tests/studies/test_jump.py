"""The measures of a jump on displacements whose jump is known."""

import math

import numpy as np
import pytest
import torch

from studies.jump import DISTANCES, border_profile, figures_of, jump_width
from studies.sliding import SlidingPair, draw_sliding_pair

__all__: list[str] = []

AT = np.array(DISTANCES)


@pytest.fixture
def pair() -> SlidingPair:
    return draw_sliding_pair(torch.Generator().manual_seed(7))


def ramp(pair: SlidingPair, length: float) -> torch.Tensor:
    """The displacement that rises from the one body's motion to the other's over `length` voxels."""
    distance = torch.arange(float(pair.displacement.shape[2])) - pair.border + 0.5
    share = (2 * distance / length).clamp(-1, 1)
    return (pair.slide[:, None] * share)[None, :, :, None, None].expand_as(pair.displacement).contiguous()


def test_the_truth_is_a_perfect_step(pair: SlidingPair) -> None:
    found = figures_of(pair.displacement, pair)
    assert found["jump at once"] == pytest.approx(100)
    assert found["jump in all"] == pytest.approx(100)
    assert found["width"] == pytest.approx(0.8)
    assert (found["error near"], found["error elsewhere"]) == (0, 0)
    assert found["Dice"] > 0.97


def test_a_ramp_has_its_known_width(pair: SlidingPair) -> None:
    found = figures_of(ramp(pair, 5), pair)
    # Of 5 voxels; the voxels at the border stand half a voxel to its sides.
    assert found["jump at once"] == pytest.approx(100 / 5)
    assert found["jump in all"] == pytest.approx(100)
    assert found["width"] == pytest.approx(0.8 * 5)
    # At 0.5, 1.5 and 2.5 voxels 4/5, 2/5 and none of the slide are missing; bodies narrow with distance.
    assert found["error near"] == pytest.approx(0.4 * float(pair.slide.norm()), rel=0.02)
    assert found["error elsewhere"] == pytest.approx(0, abs=1e-6)


def test_no_displacement_has_no_jump(pair: SlidingPair) -> None:
    found = figures_of(torch.zeros_like(pair.displacement), pair)
    assert (found["jump at once"], found["jump in all"]) == (0, 0)
    assert math.isnan(found["width"])
    assert found["error near"] == pytest.approx(float(pair.slide.norm()))
    assert found["Dice"] < 0.95


def test_the_profile_looks_along_the_slide(pair: SlidingPair) -> None:
    length = float(pair.slide.norm())
    assert border_profile(pair.displacement, pair) == pytest.approx(length * np.sign(AT))
    turned = pair.displacement[:, [1, 0, 2]]
    assert border_profile(turned, pair) == pytest.approx(np.zeros(AT.size))


@pytest.mark.parametrize("level", [0.2, 1.0])
def test_the_width_is_of_the_displacements_own_jump(level: float) -> None:
    assert jump_width(level * np.sign(AT), 2.0) == pytest.approx(0.8)


def test_the_width_does_not_depend_on_where_the_jump_is() -> None:
    assert jump_width(np.sign(AT - 1), 2.0) == pytest.approx(0.8)
    assert jump_width(np.clip((AT - 1) / 2.5, -1, 1), 2.0) == pytest.approx(4.0)


@pytest.mark.parametrize("profile", [np.zeros(12), -np.sign(AT), 0.05 * np.sign(AT)])
def test_too_little_jump_has_no_width(profile: np.ndarray) -> None:
    assert math.isnan(jump_width(profile, 2.0))
