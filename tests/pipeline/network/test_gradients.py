"""Gradients for a GPU: those of torch, and the same whole-number sums in whatever order they are added."""

import pytest
import torch
import torch.nn.functional as F

from pipeline.network import warp as warping
from pipeline.network.gradients import GridSample, Resize, resized
from pipeline.network.warp import integrate, upsample_displacement, warp

__all__: list[str] = []

SHAPE = (5, 7, 9)
# Of the largest gradient: float32 sums in another order.
TOLERANCE = 2e-6


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def positions(seed: int = 1) -> torch.Tensor:
    """Some beyond every side, some on voxels, all others between them."""
    grid = 0.8 * random(2, 6, 4, 8, 3, seed=seed)
    grid[:, :2, :2, :2] = grid[:, :2, :2, :2].sign()
    return grid


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return bool((one - other).abs().max() <= TOLERANCE * other.abs().max())


@pytest.mark.parametrize("padding", ["zeros", "border"])
def test_gradients_of_sampling_are_those_of_torch(device: torch.device, padding: str) -> None:
    volume, grid = random(2, 3, *SHAPE).requires_grad_(), positions().requires_grad_()
    weights = random(2, 3, 6, 4, 8, seed=2)
    expected = F.grid_sample(volume, grid, padding_mode=padding, align_corners=True)
    wanted = torch.autograd.grad((expected * weights).sum(), (volume, grid))
    there = [tensor.detach().to(device).requires_grad_() for tensor in (volume, grid)]
    sampled = GridSample.apply(*there, padding)
    found = torch.autograd.grad((sampled * weights.to(device)).sum(), there)
    assert torch.allclose(sampled.cpu(), expected, atol=1e-5)
    assert close(found[0].cpu(), wanted[0])
    # On the voxels of an edge there are two slopes, and either is right.
    inside = (grid.abs() < 0.99).all(-1)
    assert close(found[1].cpu()[inside], wanted[1][inside])


@pytest.mark.parametrize("target", [(10, 14, 18), (5, 14, 9), (3, 20, 4), (1, 1, 1)])
def test_gradients_of_resizing_are_those_of_torch(device: torch.device, target: tuple[int, int, int]) -> None:
    volume, weights = random(2, 3, *SHAPE).requires_grad_(), random(2, 3, *target, seed=1)
    grown = F.interpolate(volume, size=target, mode="trilinear", align_corners=False)
    (wanted,) = torch.autograd.grad((grown * weights).sum(), volume)
    there = volume.detach().to(device).requires_grad_()
    (found,) = torch.autograd.grad((resized(there, target) * weights.to(device)).sum(), there)
    assert close(found.cpu(), wanted)


def test_resizing_keeps_a_lower_precision(device: torch.device) -> None:
    volume = random(1, 2, *SHAPE).to(device, torch.bfloat16).requires_grad_()
    grown = resized(volume, (10, 14, 18))
    grown.float().sum().backward()
    assert grown.dtype == torch.bfloat16
    assert volume.grad is not None
    assert volume.grad.dtype == torch.bfloat16
    assert volume.grad.float().sum().item() == pytest.approx(2 * 10 * 14 * 18, rel=1e-2)


def test_the_order_of_the_positions_does_not_matter(device: torch.device) -> None:
    """Many positions in few voxels: sums of floating-point numbers would differ in their last bits."""
    order = torch.randperm(4096, generator=torch.Generator().manual_seed(0))
    grid = random(1, 4096, 1, 1, 3).clamp(-0.9, 0.9)
    weights = random(1, 2, 4096, 1, 1, seed=1)
    results = []
    for places, factors in ((grid, weights), (grid[:, order], weights[:, :, order])):
        volume = torch.zeros(1, 2, 3, 3, 3, device=device, requires_grad=True)
        (GridSample.apply(volume, places.to(device), "zeros") * factors.to(device)).sum().backward()
        results.append(volume.grad)
    assert torch.equal(*results)


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1e6, 1e30])
def test_gradients_of_every_size_keep_their_digits(device: torch.device, scale: float) -> None:
    volume = random(2, 3, *SHAPE).to(device).requires_grad_()
    sampled = GridSample.apply(volume, positions().to(device), "border")
    weights = random(*sampled.shape, seed=2).to(device)
    plain, scaled = (
        torch.autograd.grad((sampled * weights * factor).sum(), volume, retain_graph=True)[0]
        for factor in (1.0, scale)
    )
    assert close(scaled / scale, plain)


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_gradients_without_any_size(device: torch.device, value: float) -> None:
    volume = random(2, 3, *SHAPE).to(device).requires_grad_()
    sampled = GridSample.apply(volume, positions().to(device), "zeros")
    (found,) = torch.autograd.grad((sampled * value).sum(), volume)
    assert torch.equal(found.isnan(), torch.full_like(found, value != 0, dtype=torch.bool))
    assert found.nan_to_num().abs().max() == 0


def test_a_gpu_takes_these_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the meta device, which like a GPU is no CPU: every warp and resize that learns goes this way."""
    taken = []
    for kind in (GridSample, Resize):
        monkeypatch.setattr(kind, "apply", staticmethod(_noted(kind, taken)))
    velocity = torch.zeros(1, 3, *SHAPE, device="meta", requires_grad=True)
    displacement = upsample_displacement(integrate(velocity, 2), (10, 14, 18))
    warp(torch.zeros(1, 1, 10, 14, 18, device="meta"), displacement).sum().backward()
    assert taken == [GridSample, GridSample, Resize]
    assert velocity.grad is not None


def _noted(kind: type[torch.autograd.Function], taken: list[type]) -> object:
    apply = kind.apply

    def noting(*arguments: object) -> torch.Tensor:
        taken.append(kind)
        return apply(*arguments)

    return noting


def test_a_gpu_repeats_itself_to_the_byte(device: torch.device) -> None:
    velocity = random(1, 3, 24, 20, 28).to(device)
    moving = random(1, 1, 48, 40, 56, seed=1).to(device)

    def gradient() -> torch.Tensor:
        learned = velocity.clone().requires_grad_()
        displacement = warping.upsample_displacement(integrate(learned, 5), (48, 40, 56))
        (found,) = torch.autograd.grad(warp(moving, displacement).square().mean(), learned)
        return found

    assert torch.equal(gradient(), gradient())
