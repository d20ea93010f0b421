"""LKU-Net: sizes, counts of the published network, and the fused large-kernel block."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from pipeline.network.backbones.lkunet import LargeKernelBlock, LKUNet
from pipeline.network.filters.heads import PlainHead

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

CT = (96, 80, 128)
OASIS = (160, 192, 224)


def parameters(*modules: nn.Module) -> int:
    return sum(p.numel() for module in modules for p in module.parameters())


def on_meta(start_channels: int, stride: int) -> tuple[LKUNet, PlainHead]:
    """The network with LKU-Net's own last layer; the meta device holds shapes and no numbers."""
    with torch.device("meta"):
        return LKUNet(start_channels, stride), PlainHead(2 * start_channels)


def fused_away(start_channels: int, shape: tuple[int, int, int]) -> int:
    """Multiply-adds of the 3x3x3 and 1x1x1 branches, which the published block evaluates one by one."""
    x, y, z = shape
    widths = [start_channels * factor for factor in (2, 4, 8, 8)]
    return sum(28 * width**2 * (x * y * z // 8**level) for level, width in enumerate(widths, start=1))


@pytest.mark.parametrize(
    ("start_channels", "count"), [(8, 2086342), (16, 8339702), (32, 33347542), (64, 133367702)]
)
def test_parameters_of_the_published_network(start_channels: int, count: int) -> None:
    assert parameters(*on_meta(start_channels, stride=1)) == count


def test_half_decoder_leaves_out_the_modules_it_does_not_use() -> None:
    backbone, head = on_meta(8, stride=2)
    assert parameters(backbone) == 2065667
    assert parameters(backbone, head) == 2066963


@pytest.mark.parametrize("start_channels", [8, 16, 32, 64])
def test_the_decoders_differ_by_one_level(start_channels: int) -> None:
    n = start_channels
    full, half = on_meta(n, stride=1)[0], on_meta(n, stride=2)[0]
    transposed = (2 * n) * (2 * n) * 8 + 2 * n + 1
    first, second = (3 * n) * (2 * n) * 27 + 2 * n + 1, (2 * n) * (2 * n) * 27 + 2 * n + 1
    assert parameters(full) - parameters(half) == transposed + first + second


@pytest.mark.parametrize(
    ("start_channels", "stride", "shape", "giga"),
    [
        (8, 1, CT, 36.722),
        (8, 2, CT, 18.369),
        (16, 1, CT, 143.492),
        (32, 2, CT, 286.898),
        (64, 1, CT, 2255.11),
        (8, 2, OASIS, 128.58),
        (64, 2, OASIS, 8000.45),
    ],
)
def test_multiply_adds_are_the_published_ones_less_the_fused_branches(
    multiply_adds: Callable[..., int],
    start_channels: int,
    stride: int,
    shape: tuple[int, int, int],
    giga: float,
) -> None:
    counted = multiply_adds(*on_meta(start_channels, stride), shape)
    assert (counted + fused_away(start_channels, shape)) / 1e9 == pytest.approx(giga, rel=3e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_feature_map_has_its_announced_form(stride: int) -> None:
    net = LKUNet(2, stride)
    image = torch.rand(2, 1, 16, 32, 48)
    features = net(image, image).map
    assert features.shape == (2, net.out_channels, 16 // stride, 32 // stride, 48 // stride)
    assert (net.out_channels, net.stride, net.size_multiple) == (4, stride, 16)


def test_moving_and_fixed_are_not_exchangeable() -> None:
    torch.manual_seed(0)
    net = LKUNet(2)
    moving, fixed = torch.rand(2, 1, 1, 16, 16, 16)
    assert not torch.allclose(net(moving, fixed).map, net(fixed, moving).map)


def four_branches(block: LargeKernelBlock, x: torch.Tensor) -> torch.Tensor:
    """The block as its authors write it."""
    conv = nn.functional.conv3d
    regular = conv(x, block.regular.weight, block.regular.bias, padding=1)
    large = conv(x, block.large.weight, block.large.bias, padding=2)
    return block.activation(regular + large + block.one(x) + x)


def test_fused_block_equals_its_four_branches_forward_and_backward() -> None:
    torch.manual_seed(0)
    block = LargeKernelBlock(3).double()
    x = torch.randn(2, 3, 6, 7, 8, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(2, 3, 6, 7, 8, dtype=torch.float64)
    results = []
    for output in (block(x), four_branches(block, x)):
        results.append((output, torch.autograd.grad((output * weights).sum(), [x, *block.parameters()])))
    (fused, fused_gradients), (apart, gradients) = results
    assert torch.allclose(fused, apart, atol=1e-12)
    for one, other in zip(fused_gradients, gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-10)


def test_fused_block_is_close_in_single_precision() -> None:
    torch.manual_seed(1)
    block = LargeKernelBlock(4)
    x = torch.randn(1, 4, 8, 8, 8)
    assert torch.allclose(block(x), four_branches(block, x), atol=1e-5)


def convolution_gradients(net: nn.Module, loss: torch.Tensor) -> list[torch.Tensor]:
    # The one number of a PReLU sums over all voxels with signs, which bfloat16 cannot do well.
    weights = [m.weight for m in net.modules() if isinstance(m, nn.Conv3d | nn.ConvTranspose3d)]
    return list(torch.autograd.grad(loss, weights))


@pytest.mark.parametrize("shape", [(16, 16, 16), (16, 32, 48)])
def test_bfloat16_gradients_are_those_of_float32_roughly_and_every_time(shape: tuple[int, int, int]) -> None:
    """On maps narrower than a kernel oneDNN returns uninitialised memory; 16 voxels a side have such maps."""
    torch.manual_seed(0)
    net = LKUNet(4)
    moving, fixed = torch.rand(2, 1, 1, *shape)
    exact = convolution_gradients(net, net(moving, fixed).map.square().mean())
    repeated = []
    for size in (1000, 1037, 5000):
        # Memory left behind by others, for a convolution that would read it.
        junk = [torch.full((size,), 1e30) for _ in range(20)]
        del junk
        with torch.autocast("cpu", dtype=torch.bfloat16):
            features = net(moving, fixed).map
        repeated.append(convolution_gradients(net, features.float().square().mean()))
    for rough in repeated:
        for one, first, true in zip(rough, repeated[0], exact, strict=True):
            assert torch.equal(one, first)
            assert (one - true).norm() < 0.2 * true.norm()


def test_every_parameter_takes_part() -> None:
    torch.manual_seed(0)
    net = LKUNet(2)
    image = torch.rand(1, 1, 32, 32, 32)
    net(image, image.flip(2)).map.square().sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().max() > 0] == []
