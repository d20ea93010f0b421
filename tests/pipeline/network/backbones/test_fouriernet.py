"""Fourier-Net: counts of the published network, and a decoder that interpolates exactly."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from pipeline.config import RegistrationConfig
from pipeline.network.backbones.backbone import Features
from pipeline.network.backbones.fouriernet import FourierNet, band_limited
from pipeline.network.filters.heads import PlainHead
from pipeline.network.model import build_for_training

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

CT = (96, 80, 128)
OASIS = (160, 192, 224)


def on_meta(start_channels: int) -> tuple[FourierNet, PlainHead]:
    with torch.device("meta"):
        return FourierNet(start_channels), PlainHead(2 * start_channels)


@pytest.mark.parametrize(("start_channels", "count"), [(8, 1050800), (16, 4198352), (32, 16783760)])
def test_parameters_are_those_that_the_published_network_uses(start_channels: int, count: int) -> None:
    assert sum(p.numel() for module in on_meta(start_channels) for p in module.parameters()) == count


@pytest.mark.parametrize(
    ("start_channels", "shape", "giga"),
    [
        (8, CT, "6.095"),
        (16, CT, "23.491"),
        (32, CT, "92.187"),
        (8, OASIS, "42.67"),
        (16, OASIS, "164.44"),
        (32, OASIS, "645.31"),
    ],
)
def test_multiply_adds_are_the_published_ones(
    multiply_adds: Callable[..., int], start_channels: int, shape: tuple[int, int, int], giga: str
) -> None:
    digits = len(giga.partition(".")[2])
    assert f"{multiply_adds(*on_meta(start_channels), shape) / 1e9:.{digits}f}" == giga


def decoded(response: torch.Tensor) -> torch.Tensor:
    net = FourierNet(2)
    return net.decode(response, Features(torch.zeros(1, 4, *response.shape[2:])))


@pytest.mark.parametrize("component", [0, 1, 2])
def test_a_constant_stays_constant_and_becomes_voxels_of_its_own_axis(component: int) -> None:
    """64 in the response is 1 in normalised units: half of the way from the first to the last voxel."""
    low = (4, 6, 9)
    response = torch.zeros(1, 3, *low)
    response[:, component] = 64 * 0.1
    field = decoded(response)
    assert field.shape == (1, 3, *(4 * n for n in low))
    expected = torch.zeros_like(field)
    expected[:, component] = 0.1 * (4 * low[component] - 1) / 2
    assert torch.allclose(field, expected, atol=1e-5)


@pytest.mark.parametrize("low", [(8, 10, 12), (5, 8, 7)])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("waves", [1, 2])
def test_a_cosine_is_read_between_its_samples(low: tuple[int, int, int], axis: int, waves: int) -> None:
    def cosine(sides: list[int]) -> torch.Tensor:
        phase = 2 * torch.pi * waves * torch.arange(sides[axis], dtype=torch.float64) / sides[axis] + 0.4
        return phase.cos().view([-1 if i == axis else 1 for i in range(3)]).expand(1, 3, *sides)

    full = [4 * n for n in low]
    scale = (torch.tensor(full, dtype=torch.float64) - 1).view(1, 3, 1, 1, 1) / 2 / 64
    assert torch.allclose(decoded(cosine(list(low))), scale * cosine(full), atol=1e-9)


def filled_up(volume: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """The published decoder: a spectrum in the middle of zeros; here with its amplitudes mended."""
    spectrum = torch.fft.fftshift(torch.fft.fftn(volume))
    padding: list[int] = []
    for n, size in zip(volume.shape, shape, strict=True):
        front = size // 2 - n // 2
        padding = [front, size - n - front, *padding]
    padded = nn.functional.pad(spectrum, padding)
    return torch.fft.ifftn(torch.fft.ifftshift(padded)).real * padded.numel() / volume.numel()


@pytest.mark.parametrize(
    ("low", "full"),
    [((5, 7, 3), (20, 28, 12)), ((5, 7, 3), (9, 8, 3)), ((6, 5, 7), (24, 20, 28)), ((6, 5, 7), (7, 11, 9))],
)
def test_axis_by_axis_is_the_published_zero_padding(low: tuple[int, ...], full: tuple[int, ...]) -> None:
    """For at most one even axis; with more, the two treat the corners of the spectrum differently."""
    volume = torch.rand(
        low, generator=torch.Generator(torch.get_default_device()).manual_seed(0), dtype=torch.float64
    )
    result = volume
    for axis, size in enumerate(full):
        result = band_limited(result, axis, size)
    assert result.shape == full
    assert torch.allclose(result, filled_up(volume, full), atol=1e-12)


@pytest.mark.parametrize("low", [(6, 4, 8), (3, 5, 7)])
def test_every_fourth_voxel_is_the_response_itself(low: tuple[int, int, int]) -> None:
    response = torch.rand(
        1, 3, *low, generator=torch.Generator(torch.get_default_device()).manual_seed(0), dtype=torch.float64
    )
    last = torch.tensor([4 * n - 1 for n in low], dtype=torch.float64).view(1, 3, 1, 1, 1)
    assert torch.allclose(decoded(response)[..., ::4, ::4, ::4], response / 64 * last / 2, atol=1e-12)


def test_every_parameter_takes_part_also_in_bfloat16() -> None:
    torch.manual_seed(0)
    net = FourierNet(2)
    moving, fixed = torch.rand(2, 1, 1, 32, 16, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = net(moving, fixed).map
    features.float().square().sum().backward()
    gradients = {name: p.grad for name, p in net.named_parameters()}
    assert [name for name, g in gradients.items() if g is None or not g.isfinite().all() or not g.any()] == []


@pytest.mark.parametrize("steps", [0, 3])
def test_the_network_moves_the_full_grid(steps: int) -> None:
    torch.manual_seed(0)
    config = RegistrationConfig(backbone="fouriernet", start_channels=2, integration_steps=steps)
    net = build_for_training(config, None)
    net.head.forward = lambda features, labels, confidence: torch.full((1, 3, *features.shape[2:]), 64 * 0.2)
    image, labels = torch.rand(1, 1, 16, 32, 48), torch.zeros(1, 16, 32, 48, dtype=torch.int64)
    displacement = net(image, image, labels, labels.float()).displacement
    expected = torch.tensor([0.1 * 15, 0.1 * 31, 0.1 * 47]).view(1, 3, 1, 1, 1).expand(1, 3, 16, 32, 48)
    assert torch.allclose(displacement, expected, atol=1e-4)
