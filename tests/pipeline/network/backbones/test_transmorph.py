"""TransMorph: sizes and costs of the published networks, and what its encoder and decoder see."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from pipeline.config import RegistrationConfig
from pipeline.network.backbones.registry import build_backbone
from pipeline.network.backbones.swinblocks import DropPath, Window
from pipeline.network.backbones.transmorph import PUBLISHED_WINDOW, TRANSMORPHS, TransMorph
from pipeline.network.filters.heads import PlainHead

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

OASIS = (160, 192, 224)
CT = (96, 96, 128)
CT_WINDOW = (3, 3, 4)
PUBLISHED = pytest.mark.parametrize(
    ("name", "shape", "window", "count", "giga"),
    [
        ("transmorph-large", OASIS, None, 108343907, 1175.68),
        ("transmorph-base", OASIS, None, 46771251, 723.61),
        ("transmorph-small", OASIS, None, 11757195, 302.97),
        ("transmorph-large", CT, CT_WINDOW, 108183779, 198.85),
        ("transmorph-base", CT, CT_WINDOW, 46700083, 122.33),
        ("transmorph-small", CT, CT_WINDOW, 11712715, 51.08),
    ],
)
"""Parameters with the published head, and 10^9 multiply-adds to the printed digits."""


def on_meta(name: str, window: Window | None = None, stride: int = 1) -> nn.Sequential:
    """Backbone and its published head; the meta device holds shapes and no numbers."""
    with torch.device("meta"):
        net = build_backbone(RegistrationConfig(backbone=name, window=window, decoder_stride=stride))
        return nn.Sequential(net, PlainHead(net.out_channels, net.head_bias)).eval()


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@PUBLISHED
def test_parameters_and_multiply_adds_of_the_published_networks(
    multiply_adds: Callable[..., int],
    name: str,
    shape: tuple[int, int, int],
    window: Window | None,
    count: int,
    giga: float,
) -> None:
    modules = on_meta(name, window)
    assert parameters(modules) == count
    assert round(multiply_adds(*modules, shape) / 1e9, 2) == giga


@pytest.mark.parametrize("name", sorted(TRANSMORPHS))
def test_the_half_decoder_stops_one_block_earlier(name: str) -> None:
    full, half = on_meta(name)[0], on_meta(name, stride=2)[0]
    wide = TRANSMORPHS[name].channels // 2
    assert (full.out_channels, half.out_channels) == (16, wide)
    last_block, image_skip = (wide + 16) * 16 * 27 + 16 * 16 * 27, 2 * 16 * 27
    assert parameters(full) - parameters(half) == last_block + image_skip


def tiny(stride: int = 1) -> TransMorph:
    torch.manual_seed(0)
    return TransMorph(TRANSMORPHS["transmorph-tiny"], (2, 2, 2), stride).eval()


@pytest.mark.parametrize("stride", [1, 2])
def test_feature_map_has_its_announced_form(stride: int) -> None:
    net = tiny(stride)
    image = torch.rand(2, 1, 32, 64, 32)
    features = net(image, image).map
    assert features.shape == (2, net.out_channels, 32 // stride, 64 // stride, 32 // stride)
    assert (net.size_multiple, net.head_bias) == (32, True)


def test_every_part_sees_the_moving_image_first() -> None:
    net = tiny()
    seen: list[torch.Tensor] = []
    for part in (net.encoder, *net.image_skips):
        part.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    net(torch.zeros(1, 1, 32, 32, 32), torch.ones(1, 1, 32, 32, 32))
    assert len(seen) == 3
    for images in seen:
        assert images.shape[1] == 2
        assert images[:, 0].max() == 0
        assert images[:, 1].min() > 0


def test_stochastic_depth_grows_with_the_depth_and_rests_in_use() -> None:
    net = tiny()
    rates = [module.rate for module in net.modules() if isinstance(module, DropPath)]
    assert len(rates) == sum(TRANSMORPHS["transmorph-tiny"].depths)
    assert rates == pytest.approx([0.3 * i / 9 for i in range(10)])
    moving, fixed = torch.rand(2, 1, 1, 32, 32, 32)
    assert torch.equal(net(moving, fixed).map, net(moving, fixed).map)
    net.train()
    assert len({net(moving, fixed).map.sum().item() for _ in range(4)}) > 1


def test_the_window_comes_from_the_configuration() -> None:
    windows = []
    for window in (None, (3, 3, 4)):
        config = RegistrationConfig(backbone="transmorph-tiny", window=window)
        windows.append(build_backbone(config).encoder.stages[0][0].window)
    assert windows == [PUBLISHED_WINDOW, (3, 3, 4)]
