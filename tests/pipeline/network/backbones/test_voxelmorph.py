"""VoxelMorph: sizes and costs of the published networks, skip maps and upsampling of both forms."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from pipeline.network.backbones.voxelmorph import VOXELMORPHS, VoxelMorph
from pipeline.network.filters.heads import PlainHead

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

CT = (96, 80, 128)
OASIS = (160, 192, 224)
EACH = pytest.mark.parametrize("name", sorted(VOXELMORPHS))


def on_meta(name: str, stride: int = 1) -> nn.Sequential:
    """Backbone and its published head; the meta device holds shapes and no numbers."""
    with torch.device("meta"):
        net = VoxelMorph(VOXELMORPHS[name], stride)
        return nn.Sequential(net, PlainHead(net.out_channels, net.head_bias))


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("name", "stride", "count"),
    [
        ("voxelmorph", 1, 327331),
        ("voxelmorph", 2, 313507),
        ("voxelmorph-1", 1, 274387),
        ("voxelmorph-2", 1, 301411),
        ("voxelmorph-double", 1, 1304387),
    ],
)
def test_parameters_of_the_published_networks(name: str, stride: int, count: int) -> None:
    assert parameters(on_meta(name, stride)) == count


@pytest.mark.parametrize(
    ("name", "stride", "ct", "oasis"),
    [
        ("voxelmorph", 1, 73.21, 512.47),
        ("voxelmorph", 2, 16.89, 118.21),
        ("voxelmorph-1", 1, 43.44, 304.05),
        ("voxelmorph-2", 1, 56.97, 398.81),
        ("voxelmorph-double", 1, 288.59, 2020.14),
    ],
)
def test_multiply_adds_of_the_published_networks(
    multiply_adds: Callable[..., int], name: str, stride: int, ct: float, oasis: float
) -> None:
    assert round(multiply_adds(*on_meta(name, stride), CT) / 1e9, 2) == ct
    assert round(multiply_adds(*on_meta(name, stride), OASIS) / 1e9, 2) == oasis


@EACH
def test_the_half_decoder_lacks_the_weights_of_the_finest_skip_map(name: str) -> None:
    """Leaving out the last concatenation narrows one convolution and changes nothing else."""
    widths = VOXELMORPHS[name]
    missing = widths.skips[0] * widths.extra[0] * 27
    assert parameters(on_meta(name, 1)) - parameters(on_meta(name, 2)) == missing


def into_the_last_part(net: VoxelMorph, moving: torch.Tensor, fixed: torch.Tensor) -> torch.Tensor:
    """What the convolutions after the last upsampling get to see."""
    seen: list[torch.Tensor] = []
    net.rest.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        net(moving, fixed)
    return seen[0]


@pytest.mark.parametrize("name", ["voxelmorph-1", "voxelmorph-2"])
def test_the_older_form_ends_with_the_images_themselves(name: str) -> None:
    moving, fixed = torch.rand(2, 1, 1, 16, 32, 16)
    seen = into_the_last_part(VoxelMorph(VOXELMORPHS[name]), moving, fixed)
    assert torch.equal(seen[:, -2:], torch.cat([moving, fixed], dim=1))


def test_the_newer_form_ends_with_the_map_from_before_the_first_pooling() -> None:
    net = VoxelMorph(VOXELMORPHS["voxelmorph"])
    moving, fixed = torch.rand(2, 1, 1, 16, 32, 16)
    seen = into_the_last_part(net, moving, fixed)
    with torch.no_grad():
        assert torch.equal(seen[:, -16:], net.down[0](torch.cat([moving, fixed], dim=1)))


@EACH
def test_upsampling_repeats_voxels(name: str) -> None:
    widths = VOXELMORPHS[name]
    seen = into_the_last_part(VoxelMorph(widths), *torch.rand(2, 1, 1, 16, 32, 16))
    grown = seen[:, : widths.decoder[-1]]
    coarse = grown[..., ::2, ::2, ::2]
    assert torch.equal(coarse.repeat_interleave(2, 2).repeat_interleave(2, 3).repeat_interleave(2, 4), grown)
    assert coarse.std() > 0


@EACH
@pytest.mark.parametrize("stride", [1, 2])
def test_feature_map_has_its_announced_form(name: str, stride: int) -> None:
    net = VoxelMorph(VOXELMORPHS[name], stride)
    image = torch.rand(2, 1, 16, 32, 48)
    features = net(image, image).map
    assert features.shape == (2, net.out_channels, 16 // stride, 32 // stride, 48 // stride)
    assert net.out_channels == {"voxelmorph-1": 8, "voxelmorph-double": 32}.get(name, 16)
    assert (net.size_multiple, net.head_bias) == (16, True)
