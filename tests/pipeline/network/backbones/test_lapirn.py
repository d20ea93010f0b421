"""LapIRN: counts of the published network, units and axes of its levels, variants, and levels that rest."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from pipeline.network.backbones.backbone import Features
from pipeline.network.backbones.lapirn import LapIRN
from pipeline.network.filters.heads import PlainHead
from pipeline.network.warp import integrate, upsample_displacement, warp

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

CT = (96, 80, 128)
OASIS = (160, 192, 224)
SHAPE = (16, 24, 32)


def on_meta(start_channels: int, steps: int = 0) -> tuple[LapIRN, PlainHead]:
    with torch.device("meta"):
        return LapIRN(start_channels, steps), PlainHead(4 * start_channels)


@pytest.mark.parametrize(
    ("start_channels", "count"), [(7, 923748), (8, 1203936), (16, 4779456), (32, 19045248)]
)
def test_parameters_of_the_published_network(start_channels: int, count: int) -> None:
    assert sum(p.numel() for module in on_meta(start_channels) for p in module.parameters()) == count


def test_parameters_of_each_level() -> None:
    backbone, head = on_meta(32)
    counts = [sum(p.numel() for p in level.parameters()) for level in backbone.levels]
    counts[-1] += sum(p.numel() for p in head.parameters())
    assert counts == [6341504, 6351872, 6351872]


@pytest.mark.parametrize(
    ("start_channels", "steps", "shape", "giga"),
    [
        (7, 0, CT, "111.47"),
        (8, 0, CT, "144.49"),
        (8, 7, CT, "144.49"),
        (16, 0, CT, "562.53"),
        (32, 0, CT, "2219.29"),
        (7, 0, OASIS, "780.27"),
        (8, 0, OASIS, "1011.42"),
        (16, 0, OASIS, "3937.74"),
        (32, 7, OASIS, "15535.05"),
    ],
)
def test_multiply_adds_are_the_published_ones(
    multiply_adds: Callable[..., int], start_channels: int, steps: int, shape: tuple[int, int, int], giga: str
) -> None:
    assert f"{multiply_adds(*on_meta(start_channels, steps), shape) / 1e9:.2f}" == giga


def lively(steps: int = 0, scale: float = 3.0) -> LapIRN:
    """A network whose coarser levels move voxels, as after a training."""
    torch.manual_seed(0)
    net = LapIRN(2, steps)
    for level in net.levels[:-1]:
        nn.init.normal_(level.head.weight, std=scale)
    return net


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    moving, fixed = torch.rand(
        2, 1, 1, *SHAPE, generator=torch.Generator(torch.get_default_device()).manual_seed(1)
    )
    return moving, fixed


def saying(net: LapIRN, *responses: tuple[float, float, float]) -> None:
    """Let the heads of the coarser levels say one vector everywhere."""
    for level, response in zip(net.levels, responses, strict=False):

        def forward(x: torch.Tensor, vector: tuple[float, float, float] = response) -> torch.Tensor:
            return torch.tensor(vector).view(1, 3, 1, 1, 1).expand(1, 3, *x.shape[2:])

        level.head.forward = forward


def inputs_of(net: LapIRN) -> list[torch.Tensor]:
    """What each level will see."""
    seen: list[torch.Tensor] = []
    for level in net.levels:
        level.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    return seen


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_components_run_from_the_last_array_axis_to_the_first(axis: int) -> None:
    """Softsign of 1 is 1/2, so a level says 0.4 / 2; from the first to the last voxel centre is 2."""
    net = LapIRN(2)
    vector = tuple(float(component == 2 - axis) for component in range(3))
    saying(net, vector, (0.0, 0.0, 0.0))
    features = net(*pair())
    expected = torch.zeros(1, 3, *SHAPE)
    expected[:, axis] = 0.2 * (SHAPE[axis] - 1) / 2
    assert features.coarse is not None
    silence = torch.zeros(1, 3, *SHAPE)
    assert torch.allclose(net.decode(silence, features), expected, atol=1e-5)
    response = torch.tensor(vector).view(1, 3, 1, 1, 1).expand(1, 3, *SHAPE)
    assert torch.allclose(net.decode(response, Features(features.map)), expected, atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("steps", [0, 7])
def test_levels_warp_the_moving_image_along_the_same_axis_that_decode_speaks_of(
    axis: int, steps: int
) -> None:
    net = LapIRN(2, steps)
    saying(net, tuple(float(component == 2 - axis) for component in range(3)), (0.0, 0.0, 0.0))
    seen = inputs_of(net)
    moving, fixed = pair()
    features = net(moving, fixed)
    displacement = net.decode(torch.zeros(1, 3, *SHAPE), features)
    expected = warp(moving, displacement, padding="border")
    assert not torch.allclose(expected, moving, atol=0.1)
    assert torch.allclose(seen[2][:, :1], expected, atol=1e-4)
    assert torch.equal(seen[2][:, 1:2], fixed)
    assert torch.equal(seen[2][:, 2:], features.coarse)


def test_levels_add_up_within_the_range_of_each() -> None:
    net = LapIRN(2)
    saying(net, (1.0, 0.0, 0.0), (-1.0, 0.0, 3.0))
    features = net(*pair())
    assert features.coarse is not None
    assert torch.allclose(features.coarse[0, :, 0, 0, 0], torch.tensor([0.0, 0.0, 0.3]))
    loud = net.decode(torch.full((1, 3, *SHAPE), 1e9), features)
    most = torch.tensor([0.7 * 15 / 2, 0.4 * 23 / 2, 0.4 * 31 / 2])
    assert torch.allclose(loud[0, :, 0, 0, 0], most, atol=1e-4)


def test_the_displacement_variant_warps_by_what_it_decodes() -> None:
    net = lively()
    seen = inputs_of(net)
    moving, fixed = pair()
    features = net(moving, fixed)
    displacement = net.decode(torch.zeros(1, 3, *SHAPE), features)
    assert displacement.abs().max() > 1
    assert torch.allclose(seen[2][:, :1], warp(moving, displacement, padding="border"), atol=1e-5)


def test_the_diffeomorphic_variant_warps_by_the_integral_and_hands_on_the_velocity() -> None:
    net = lively(steps=7)
    seen = inputs_of(net)
    moving, fixed = pair()
    features = net(moving, fixed)
    velocity = net.coarse_field(moving, fixed, 1)
    handed_on = net.decode(torch.zeros(1, 3, *SHAPE), features)
    assert torch.allclose(handed_on, upsample_displacement(velocity, SHAPE), atol=1e-5)
    # The integral in voxels of the level's own grid, stretched as its corners are.
    stretch = torch.tensor([(n - 1) / (n / 2 - 1) for n in SHAPE]).view(1, 3, 1, 1, 1)
    displacement = upsample_displacement(integrate(velocity / stretch, 7) * stretch, SHAPE)
    assert torch.allclose(seen[2][:, :1], warp(moving, displacement, padding="border"), atol=1e-4)
    assert not torch.allclose(seen[2][:, :1], warp(moving, handed_on, padding="border"), atol=0.05)


def test_levels_see_pooled_images_moving_first() -> None:
    net = LapIRN(2)
    saying(net, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    seen = inputs_of(net)
    moving, fixed = torch.zeros(1, 1, *SHAPE), torch.ones(1, 1, *SHAPE)
    net(moving, fixed)
    for inputs, divisor in zip(seen, (4, 2, 1), strict=True):
        assert inputs.shape[2:] == tuple(n // divisor for n in SHAPE)
        assert torch.equal(inputs[:, 0], torch.zeros_like(inputs[:, 0]))
        assert torch.equal(inputs[:, 1], torch.ones_like(inputs[:, 1]))
    assert [inputs.shape[1] for inputs in seen] == [2, 5, 5]


@pytest.mark.parametrize(("level", "divisor"), [(0, 4), (1, 2)])
def test_a_coarse_field_is_that_of_its_level_in_voxels_of_the_input(level: int, divisor: int) -> None:
    net = LapIRN(2)
    saying(net, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    field = net.coarse_field(*pair(), level)
    assert field.shape == (1, 3, *(n // divisor for n in SHAPE))
    expected = torch.tensor([0.0, 0.2 * 23 / 2 * level, 0.2 * 31 / 2])
    assert torch.allclose(field[0, :, 1, 1, 1], expected, atol=1e-5)


def test_the_finest_level_has_no_field_of_its_own() -> None:
    with pytest.raises(ValueError, match="level 2 has no head"):
        LapIRN(2).coarse_field(*pair(), 2)


def test_a_side_may_be_any_multiple_of_eight() -> None:
    image = torch.rand(1, 1, 8, 24, 40)
    for steps in (0, 2):
        features = LapIRN(1, steps)(image, image)
        assert features.map.shape == (1, 4, 8, 24, 40)
        assert features.map.isfinite().all()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_resting_levels_get_no_gradients_and_wake_again(count: int) -> None:
    net = lively()
    for resting in (2, count):
        net.rest(resting)
        net.zero_grad()
        features = net(*pair())
        net.decode(features.map[:, :3], features).square().sum().backward()
        learned = [any(p.grad is not None for p in level.parameters()) for level in net.levels]
        assert learned == [number >= resting for number in range(3)]


@pytest.mark.parametrize("steps", [0, 3])
def test_every_parameter_takes_part_also_in_bfloat16(steps: int) -> None:
    net = lively(steps, scale=0.5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = net(*pair())
    assert features.map.dtype == torch.bfloat16
    assert features.coarse is not None
    assert features.coarse.dtype == torch.float32
    field = net.decode(features.map.float()[:, :3], features)
    field.square().sum().backward()
    gradients = {name: p.grad for name, p in net.named_parameters()}
    assert [name for name, g in gradients.items() if g is None or not g.isfinite().all() or not g.any()] == []


def test_training_begins_near_the_identity() -> None:
    torch.manual_seed(0)
    net, head = LapIRN(8), PlainHead(32)
    coarse = torch.rand(
        2, 1, 1, 4, 4, 4, generator=torch.Generator(torch.get_default_device()).manual_seed(1)
    )
    moving, fixed = (
        nn.functional.interpolate(image, size=(32, 32, 32), mode="trilinear") for image in coarse
    )
    with torch.no_grad():
        features = net(moving, fixed)
        displacement = net.decode(head.conv(features.map), features)
    assert 0.01 < displacement.abs().max() < 0.5
    assert 0.05 < features.map.std() < 1


def test_a_level_takes_in_the_embedding_of_the_coarser_one() -> None:
    """With heads that say the same whatever they see, nothing else joins the levels."""
    net = lively()
    saying(net, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    (gradient,) = torch.autograd.grad(net(*pair()).map.sum(), net.levels[0].up.weight)
    assert gradient.abs().max() > 0
