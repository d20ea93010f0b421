"""Jacobian determinants of displacements known in closed form, and the loss made of them."""

import math

import numpy as np
import pytest
import torch

from pipeline.network.losses import jacobian_determinant, volume_loss
from pipeline.network.warp import identity_grid

__all__: list[str] = []

SHAPE = (9, 11, 8)
GRID = identity_grid(torch.zeros(1, 1, *SHAPE, dtype=torch.float64))
TURN = [[-1.0, -1.0, 0.0], [1.0, -1.0, 0.0], [0.0, 0.0, 0.0]]


def linear(matrix: list[list[float]]) -> torch.Tensor:
    """u = A p."""
    return torch.einsum("ij,bjxyz->bixyz", torch.tensor(matrix, dtype=torch.float64), GRID)


@pytest.mark.parametrize(
    ("matrix", "determinant"),
    [
        ([[0, 0, 0], [0, 0, 0], [0, 0, 0]], 1),
        ([[0.1, 0, 0], [0, 0.1, 0], [0, 0, 0.1]], 1.1**3),
        ([[0.5, 0, 0], [0, 0, 0], [0, 0, -0.25]], 1.5 * 0.75),
        ([[0, 0.7, 0], [0, 0, 0], [0, -0.3, 0]], 1),
        ([[-1, -1, 0], [1, -1, 0], [0, 0, 0]], 1),
        ([[-2, 0, 0], [0, 0, 0], [0, 0, 0]], -1),
        ([[0.2, 0.3, -0.1], [0.4, -0.2, 0.5], [0.1, 0.6, 0.3]], None),
    ],
)
def test_determinant_of_a_linear_displacement(matrix: list[list[float]], determinant: float | None) -> None:
    found = jacobian_determinant(linear(matrix))
    assert found.shape == (1, *(side - 2 for side in SHAPE))
    expected = np.linalg.det(np.eye(3) + np.array(matrix)) if determinant is None else determinant
    assert torch.allclose(found, torch.full_like(found, expected))


def test_a_quarter_turn_costs_nothing() -> None:
    assert volume_loss(linear(TURN)).item() == pytest.approx(0, abs=1e-24)


def test_growth_costs_the_square_of_the_logarithm_that_the_challenge_takes() -> None:
    assert volume_loss(linear([[1, 0, 0], [0, 0, 0], [0, 0, 0]])).item() == pytest.approx(
        math.log(5 / 4) ** 2
    )


def test_the_deepest_folds_cost_a_finite_sum() -> None:
    loss = volume_loss(linear([[-9, 0, 0], [0, 0, 0], [0, 0, 0]]))
    assert loss.item() == pytest.approx(math.log(1e-3 / 4) ** 2)


def test_its_gradient_undoes_growth() -> None:
    scale = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    volume_loss(scale * linear([[1, 0, 0], [0, 0, 0], [0, 0, 0]])).backward()
    # log((4 + s) / 4) squared has the slope 2 log((4 + s) / 4) / (4 + s).
    assert scale.grad is not None
    assert scale.grad.item() == pytest.approx(2 * math.log(4.3 / 4) / 4.3)
