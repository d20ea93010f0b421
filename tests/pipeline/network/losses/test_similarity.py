"""Similarity of images: where it must be perfect, where it must be none, and a slow window sum beside it."""

import itertools

import pytest
import torch

from pipeline.network.correlation import (
    EPSILON,
    LocalCorrelation,
    multiscale_ncc_loss,
    ncc_loss,
)
from pipeline.network.losses import mse_loss

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

SHAPE = (12, 9, 10)
WINDOWS = pytest.mark.parametrize("window", [3, 5, 7])


def noise(seed: int, shape: tuple[int, int, int] = SHAPE) -> torch.Tensor:
    return torch.rand(
        1,
        1,
        *shape,
        generator=torch.Generator(torch.get_default_device()).manual_seed(seed),
        dtype=torch.float64,
    )


def slow_ncc_loss(a: torch.Tensor, b: torch.Tensor, window: int) -> float:
    """Voxel by voxel: the correlation of what lies in the cube about it."""
    values = []
    half = window // 2
    for centre in itertools.product(*(range(n) for n in a.shape[2:])):
        box = tuple(slice(max(c - half, 0), c + half + 1) for c in centre)
        p, q = (image[0, 0][box] - image[0, 0][box].mean() for image in (a, b))
        # A part of the cube stands for the whole of it.
        scale = window**3 / p.numel()
        cross, both = (p * q).sum() * scale, (p * p).sum() * (q * q).sum() * scale**2
        values.append((cross**2 / (both + EPSILON)).item())
    return 1 - sum(values) / len(values)


def test_mse_of_a_constant_difference_is_its_square() -> None:
    assert mse_loss(noise(0) + 0.3, noise(0)).item() == pytest.approx(0.09)


@WINDOWS
def test_ncc_is_that_of_a_slow_window_sum(window: int) -> None:
    a = noise(0)
    b = 0.5 * a + 0.5 * noise(1)
    assert ncc_loss(a, b, window).item() == pytest.approx(slow_ncc_loss(a, b, window), abs=1e-9)


@WINDOWS
@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (0.5, 0.3), (-0.8, 0.9)])
def test_an_affine_change_of_grey_is_no_difference(window: int, slope: float, offset: float) -> None:
    image = noise(0).float()
    assert ncc_loss(slope * image + offset, image, window).item() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(("window", "most"), [(3, 0.06), (5, 0.02), (7, 0.01)])
def test_independent_noise_is_no_likeness(window: int, most: float) -> None:
    """The mean squared correlation of n independent values is 1 / (n - 1)."""
    shape = (24, 24, 24)
    assert 0 < 1 - ncc_loss(noise(0, shape), noise(1, shape), window).item() < most


def test_empty_background_correlates_with_nothing_and_has_a_finite_gradient() -> None:
    """In float32, where a flat window's variance comes out as rounding error."""
    warped = torch.full((1, 1, *SHAPE), 0.7, requires_grad=True)
    loss = ncc_loss(warped, torch.zeros(1, 1, *SHAPE), 7)
    loss.backward()
    assert loss.item() == pytest.approx(1, abs=1e-4)
    assert warped.grad is not None
    assert warped.grad.isfinite().all()


def test_descent_on_the_correlation_brings_an_image_nearer() -> None:
    fixed = noise(0)
    warped = noise(1).requires_grad_()
    before = ncc_loss(warped, fixed, 3)
    (gradient,) = torch.autograd.grad(before, warped)
    assert ncc_loss(warped - 50 * gradient, fixed, 3) < before


def test_one_scale_is_the_plain_loss() -> None:
    assert multiscale_ncc_loss(noise(0), noise(1), 5, 1) == ncc_loss(noise(0), noise(1), 5)


def test_scales_halve_image_and_weight_and_narrow_the_window() -> None:
    a, b = noise(0), noise(1)
    half_a, half_b = (torch.nn.functional.avg_pool3d(i, 3, 2, 1, count_include_pad=False) for i in (a, b))
    quarter_a, quarter_b = (
        torch.nn.functional.avg_pool3d(i, 3, 2, 1, count_include_pad=False) for i in (half_a, half_b)
    )
    expected = slow_ncc_loss(a, b, 7) + slow_ncc_loss(half_a, half_b, 5) / 2
    assert multiscale_ncc_loss(a, b, 7, 2).item() == pytest.approx(expected, abs=1e-9)
    expected += slow_ncc_loss(quarter_a, quarter_b, 3) / 4
    assert multiscale_ncc_loss(a, b, 7, 3).item() == pytest.approx(expected, abs=1e-9)


@WINDOWS
@pytest.mark.parametrize("weighted", [False, True])
def test_the_slope_is_that_of_automatic_differentiation(window: int, weighted: bool) -> None:
    warped, fixed = noise(0).requires_grad_(), noise(1)
    correlation = LocalCorrelation(fixed, window, weight=noise(2) if weighted else None)
    (expected,) = torch.autograd.grad(correlation(warped), warped)
    assert torch.allclose(correlation.slope(warped.detach()), expected, rtol=1e-9, atol=1e-15)
