"""Figures during training: Dice of label maps, Jacobians of displacements known in closed form."""

import math

import numpy as np
import pytest
import torch

from pipeline.network.warp import identity_grid
from pipeline.train.quality import hard_dice, smoothness_figures

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

SHAPE = (9, 11, 8)
GRID = identity_grid(torch.zeros(1, 1, *SHAPE, dtype=torch.float64))


def linear(matrix: list[list[float]]) -> torch.Tensor:
    """u = A p."""
    return torch.einsum("ij,bjxyz->bixyz", torch.tensor(matrix, dtype=torch.float64), GRID)


def test_equal_and_disjoint_label_maps() -> None:
    a = torch.zeros(1, 4, 4, 4, dtype=torch.int64)
    a[:, :2] = 1
    assert hard_dice(a, a, 2) == 1
    assert hard_dice(1 - a, a, 2) == 0


def test_dice_of_shifted_blocks() -> None:
    a, b = torch.zeros(2, 1, 8, 4, 4, dtype=torch.int64)
    a[:, 0:4], b[:, 1:5] = 1, 1
    assert hard_dice(a, b, 2) == pytest.approx(2 * 3 / 8)


def test_regions_absent_from_the_fixed_map_do_not_count() -> None:
    a, b = torch.zeros(2, 1, 4, 4, 4, dtype=torch.int64)
    a[:, :2], b[:, :2] = 1, 1
    a[:, 3] = 2
    assert hard_dice(a, b, 5) == 1
    assert hard_dice(b, a, 5) == 0.5
    assert hard_dice(a, torch.zeros_like(a), 5) == 0


def test_identity_is_smooth_and_unfolded() -> None:
    assert smoothness_figures(torch.zeros(1, 3, *SHAPE)) == {"sdlogj": 0, "folds": 0}


def test_a_mirrored_axis_is_all_folds() -> None:
    figures = smoothness_figures(linear([[-2, 0, 0], [0, 0, 0], [0, 0, 0]]))
    assert figures == {"sdlogj": pytest.approx(0, abs=1e-9), "folds": 1}


def test_sdlogj_is_the_hosts_formula() -> None:
    field = np.random.default_rng(0).normal(0, 0.5, (3, *SHAPE))
    gradient = np.stack([np.stack(np.gradient(component), axis=0) for component in field])
    jacobian = np.moveaxis(gradient, (0, 1), (-2, -1))[2:-2, 2:-2, 2:-2] + np.eye(3)
    determinant = np.linalg.det(jacobian)
    figures = smoothness_figures(torch.tensor(field)[None])
    assert figures["sdlogj"] == pytest.approx(np.log(np.clip(determinant + 3, 1e-9, 1e9)).std(ddof=0))
    assert figures["folds"] == pytest.approx((determinant <= 0).mean())
    assert 0 < figures["folds"] < 1


def test_two_even_halves_have_half_their_distance_as_deviation() -> None:
    u = torch.zeros(1, 3, 24, 8, 8, dtype=torch.float64)
    x = torch.arange(24.0, dtype=torch.float64)
    u[:, 0] = torch.where(x < 12, 0 * x, 0.5 * (x - 11.5)).view(1, 24, 1, 1)
    figures = smoothness_figures(u)
    # Two of the twenty slices see half of the step.
    logs = [math.log(4)] * 9 + [math.log(4.125), math.log(4.375)] + [math.log(4.5)] * 9
    assert figures["sdlogj"] == pytest.approx(np.std(logs))
