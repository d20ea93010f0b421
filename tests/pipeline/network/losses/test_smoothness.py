"""Roughness of fields whose derivatives are known."""

import pytest
import torch
from monai.losses import BendingEnergyLoss

from pipeline.network.losses import bending_loss, gradient_loss

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

SHAPE = (6, 5, 4)


def positions() -> list[torch.Tensor]:
    return list(torch.meshgrid(*[torch.arange(n, dtype=torch.float64) for n in SHAPE], indexing="ij"))


def field_of(*components: torch.Tensor) -> torch.Tensor:
    """A field of the given components, the others zero."""
    zeros = [torch.zeros(SHAPE, dtype=torch.float64)] * (3 - len(components))
    return torch.stack([*components, *zeros])[None]


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("component", [0, 1, 2])
def test_gradient_loss_of_a_ramp_is_a_ninth_of_its_squared_slope(component: int, axis: int) -> None:
    field = torch.zeros(1, 3, *SHAPE)
    ramp = torch.arange(SHAPE[axis]).float() * 1.5
    field[0, component] = ramp.view([-1 if i == axis else 1 for i in range(3)])
    assert gradient_loss(field).item() == pytest.approx(1.5**2 / 9, rel=1e-5)


def test_gradient_loss_of_a_constant_is_zero() -> None:
    assert gradient_loss(torch.full((1, 3, *SHAPE), 4.0)).item() == 0


def test_an_affine_field_does_not_bend() -> None:
    x, y, z = positions()
    assert bending_loss(field_of(2 * x - y + 3, 0.5 * z, x + y + z)).item() == pytest.approx(0, abs=1e-24)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_bending_of_a_parabola_is_a_third_of_its_squared_curvature(axis: int) -> None:
    assert bending_loss(field_of(0.7 * positions()[axis] ** 2)).item() == pytest.approx(1.4**2 / 3)


@pytest.mark.parametrize(("axis", "other"), [(0, 1), (0, 2), (1, 2)])
def test_mixed_derivatives_count_twice(axis: int, other: int) -> None:
    p = positions()
    assert bending_loss(field_of(0.7 * p[axis] * p[other])).item() == pytest.approx(2 * 0.7**2 / 3)


# MONAI 1.6 indexes with a list, which torch deprecates.
@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")
def test_bending_of_a_quadratic_field_is_that_of_monai() -> None:
    x, y, z = positions()
    field = field_of(x * x - 0.3 * y * z, 0.2 * x * y + z, 0.4 * z * z + x * z)
    assert bending_loss(field).item() == pytest.approx(BendingEnergyLoss()(field).item(), rel=1e-6)


@pytest.mark.parametrize(("axis", "other"), [(0, 1), (0, 2), (1, 2)])
def test_mixed_differences_see_what_alternates_along_two_axes(axis: int, other: int) -> None:
    """They are 4 at every voxel, as are the two pure ones."""
    p = positions()
    assert bending_loss(field_of((-1.0) ** (p[axis] + p[other]))).item() == pytest.approx((2 + 2) * 16 / 3)
