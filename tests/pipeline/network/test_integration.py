"""Scaling and squaring against velocities whose flow is known."""

import pytest
import torch

from pipeline.network.warp import identity_grid, integrate, warp

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

SHAPE = (9, 12, 15)


def smooth_velocity(amplitude_vox: float) -> torch.Tensor:
    axes = torch.meshgrid(*(torch.linspace(0, 1, n, dtype=torch.float64) for n in SHAPE), indexing="ij")
    # Zero on the border, so that nothing leaves the volume.
    window = torch.stack([torch.sin(torch.pi * axis) for axis in axes]).prod(0)
    waves = torch.stack([torch.cos(3 * axes[(i + 1) % 3] + i) for i in range(3)])
    return (amplitude_vox * window * waves)[None]


def test_zero_stays_zero() -> None:
    assert integrate(torch.zeros(1, 3, *SHAPE)).abs().max() == 0


def test_a_constant_velocity_is_its_own_displacement_up_to_the_edge() -> None:
    velocity = torch.tensor([2.5, -4.0, 1.25], dtype=torch.float64).view(1, 3, 1, 1, 1).expand(1, 3, *SHAPE)
    assert torch.allclose(integrate(velocity), velocity, atol=1e-10)


@pytest.mark.parametrize("steps", [1, 4, 7])
@pytest.mark.parametrize("rate", [-0.5, -0.05])
def test_a_linear_contraction_follows_its_formula(rate: float, steps: int) -> None:
    centre = torch.tensor([(n - 1) / 2 for n in SHAPE], dtype=torch.float64).view(1, 3, 1, 1, 1)
    from_centre = identity_grid(torch.zeros(1, 1, *SHAPE, dtype=torch.float64)) - centre
    parts = 2**steps
    expected = ((1 + rate / parts) ** parts - 1) * from_centre
    assert torch.allclose(integrate(rate * from_centre, steps), expected, atol=1e-12)


def test_contraction_approaches_the_exponential() -> None:
    assert pytest.approx(torch.tensor(-0.5).exp().item(), abs=2e-3) == (1 - 0.5 / 128) ** 128


def test_the_negative_velocity_gives_the_inverse() -> None:
    velocity = smooth_velocity(1.5)
    forth, back = integrate(velocity), integrate(-velocity)
    composed = back + warp(forth, back, padding="border")
    assert forth.abs().max() > 1
    assert composed.abs().mean() < 0.01
    assert composed.abs().max() < 0.1


def test_no_steps_is_the_velocity_itself() -> None:
    velocity = smooth_velocity(1.0)
    assert torch.equal(integrate(velocity, 0), velocity)


def test_the_result_unfolds_what_the_velocity_would_fold() -> None:
    velocity = torch.zeros(1, 3, 33, 4, 4, dtype=torch.float64)
    x = torch.arange(33, dtype=torch.float64)
    velocity[:, 0] = (-6 * torch.sin(2 * torch.pi * x / 32)).view(1, 33, 1, 1)
    positions = [x + u[0, 0, :, 0, 0] for u in (velocity, integrate(velocity))]
    assert positions[0].diff().min() < 0
    assert positions[1].diff().min() > 0
