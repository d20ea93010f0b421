"""The registration network: grids, units, integration, and the run-time twin of a trained network."""

import pytest
import torch

from pipeline.config import RegistrationConfig
from pipeline.network.filters.coordinates import CoordinatesHead
from pipeline.network.filters.heads import FilterTableHead, PlainHead
from pipeline.network.filters.response import to_feature_grid
from pipeline.network.model import RegistrationNet, build_for_inference, build_for_training, freeze
from pipeline.network.warp import compose, integrate, upsample_displacement, warp

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

SHAPE = (16, 32, 16)
REGIONS = 3
VARIANTS = pytest.mark.parametrize(
    "config",
    [
        RegistrationConfig(
            start_channels=2, mlp_width=4, decoder_stride=stride, integration_steps=steps, head=head
        )
        for stride in (1, 2)
        for steps in (0, 3)
        for head in ("text", "plain")
    ]
    + [
        RegistrationConfig(start_channels=2, mlp_width=4, head=head, mlp=mlp, blend=blend)
        for head, mlp, blend in (
            ("text", "shared", "official"),
            ("text", "per_axis", "paper"),
            ("text", "per_axis", "official"),
            ("coordinates", "shared", "paper"),
            ("coordinates", "per_axis", "paper"),
        )
    ],
    ids=lambda c: f"stride{c.decoder_stride}-steps{c.integration_steps}-{c.head}-{c.mlp}-{c.blend}",
)
KINDS = {"text": FilterTableHead, "coordinates": CoordinatesHead, "plain": PlainHead}


def trained(config: RegistrationConfig, scale: float = 0.5) -> RegistrationNet:
    """A network whose head moves voxels, as after a training."""
    torch.manual_seed(0)
    net = build_for_training(config, torch.randn(REGIONS, 5) if config.head == "text" else None)
    for parameter in net.head.parameters():
        torch.nn.init.normal_(parameter, std=scale)
    return net


def pair() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator(torch.get_default_device()).manual_seed(1)
    moving, fixed = torch.rand(2, 1, 1, *SHAPE, generator=random)
    labels = torch.randint(0, REGIONS, (1, *SHAPE), generator=random)
    return moving, fixed, labels, torch.rand(1, *SHAPE, generator=random)


@VARIANTS
def test_displacement_lies_on_the_input_grid(config: RegistrationConfig) -> None:
    output = trained(config)(*pair())
    assert output.displacement.shape == (1, 3, *SHAPE)
    assert output.displacement.abs().max() > 0


@VARIANTS
def test_frozen_network_gives_the_same_displacement(config: RegistrationConfig) -> None:
    net = trained(config).eval()
    frozen = freeze(net)
    with torch.no_grad():
        expected = net(*pair())
    output = frozen(*pair())
    assert torch.equal(output.displacement, expected.displacement)
    assert not any(p.requires_grad for p in frozen.parameters())
    assert isinstance(frozen.head, KINDS[config.head])


@VARIANTS
def test_freezing_leaves_the_network_trainable(config: RegistrationConfig) -> None:
    net = trained(config)
    freeze(net)
    assert all(p.requires_grad for p in net.parameters())
    assert net.training


def test_lower_precision_stays_inside_the_backbone_and_out_of_the_twin() -> None:
    config = RegistrationConfig(start_channels=2, mlp_width=4, integration_steps=3)
    torch.manual_seed(0)
    net = build_for_training(config, torch.randn(REGIONS, 5), torch.bfloat16)
    for parameter in net.head.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    rough, exact = net(*pair()).displacement, freeze(net)(*pair()).displacement
    assert rough.dtype == exact.dtype == torch.float32
    assert not torch.equal(rough, exact)
    assert (rough - exact).abs().max() < 0.05 * exact.abs().max()
    assert {value.dtype for value in freeze(net).state_dict().values()} == {torch.float32}


@VARIANTS
def test_frozen_weights_fill_an_empty_run_time_network(config: RegistrationConfig) -> None:
    frozen = freeze(trained(config))
    empty = build_for_inference(config, REGIONS)
    assert not empty.training
    empty.load_state_dict(frozen.state_dict())
    assert torch.equal(empty(*pair()).displacement, frozen(*pair()).displacement)


@pytest.mark.parametrize("stride", [1, 2])
def test_zero_last_layer_leaves_the_moving_image_alone(stride: int) -> None:
    config = RegistrationConfig(start_channels=2, mlp_width=4, decoder_stride=stride)
    net = build_for_inference(config, REGIONS)
    moving, *others = pair()
    displacement = net(moving, *others).displacement
    assert displacement.abs().max() == 0
    assert torch.allclose(warp(moving, displacement), moving, atol=1e-6)


def test_half_decoder_speaks_in_voxels_of_the_input_grid() -> None:
    """A head saying 3 voxels everywhere on the half grid moves the full grid by 3 voxels, not by 6 or 1.5."""
    net = trained(RegistrationConfig(start_channels=2, mlp_width=4, decoder_stride=2))
    net.head.forward = lambda features, labels, confidence: torch.full((1, 3, *features.shape[2:]), 3.0)
    output = net(*pair())
    assert torch.allclose(output.displacement, torch.full((1, 3, *SHAPE), 3.0))
    assert output.regularised is output.displacement


def test_half_decoder_displacement_is_the_head_upsampled() -> None:
    net = trained(RegistrationConfig(start_channels=2, mlp_width=4, decoder_stride=2))
    moving, fixed, labels, confidence = pair()
    field = net.head(
        net.backbone(moving, fixed).map, to_feature_grid(labels, 2), to_feature_grid(confidence, 2)
    )
    assert field.shape == (1, 3, 8, 16, 8)
    expected = torch.nn.functional.interpolate(field, scale_factor=2, mode="trilinear", align_corners=False)
    assert torch.allclose(net(moving, fixed, labels, confidence).displacement, expected, atol=1e-6)


@pytest.mark.parametrize("stride", [1, 2])
def test_integration_walks_on_the_feature_grid_in_its_voxels(stride: int) -> None:
    config = RegistrationConfig(start_channels=2, mlp_width=4, decoder_stride=stride, integration_steps=7)
    net = trained(config)
    moving, fixed, labels, confidence = pair()
    field = net.head(
        net.backbone(moving, fixed).map, to_feature_grid(labels, stride), to_feature_grid(confidence, stride)
    )
    output = net(moving, fixed, labels, confidence)
    assert torch.allclose(output.regularised, field / stride)
    expected = upsample_displacement(stride * integrate(field / stride), SHAPE)
    assert torch.allclose(output.displacement, expected, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_integration_keeps_a_constant_head(stride: int) -> None:
    config = RegistrationConfig(start_channels=2, mlp_width=4, decoder_stride=stride, integration_steps=7)
    net = trained(config)
    net.head.forward = lambda features, labels, confidence: torch.full((1, 3, *features.shape[2:]), -2.0)
    assert torch.allclose(net(*pair()).displacement, torch.full((1, 3, *SHAPE), -2.0), atol=1e-5)


def test_labels_change_the_displacement_of_their_own_voxels_only() -> None:
    net = trained(RegistrationConfig(start_channels=2, mlp_width=4))
    moving, fixed, labels, confidence = pair()
    labels = torch.zeros_like(labels)
    before = net(moving, fixed, labels, confidence).displacement
    labels[0, 3:6, 4:9, 5] = 2
    changed = (net(moving, fixed, labels, confidence).displacement != before).any(1)
    assert changed.any()
    assert not changed[labels == 0].any()


def test_a_side_that_is_no_multiple_is_not_silently_resized() -> None:
    net = build_for_inference(RegistrationConfig(start_channels=2), REGIONS)
    image = torch.zeros(1, 1, 16, 16, 24)
    labels = torch.zeros(1, 16, 16, 24, dtype=torch.int64)
    with pytest.raises(RuntimeError, match="Sizes of tensors must match"):
        net(image, image, labels, labels.float())


def moved(volume: torch.Tensor, by: int) -> torch.Tensor:
    """Content further along every axis by `by` voxels, of either sign, zeros where it comes from."""
    return torch.nn.functional.pad(volume, [by, -by] * 3)


def test_a_second_pass_registers_what_the_first_left_over() -> None:
    net = trained(RegistrationConfig(start_channels=2, mlp_width=4, integration_steps=3), scale=0.05)
    moving, *rest = pair()
    with torch.no_grad():
        first = net(moving, *rest, passes=1).displacement
        second = net(warp(moving, first), *rest, passes=1).displacement
        both = net(moving, *rest, passes=2).displacement
        in_use = net.eval()(moving, *rest, passes=2).displacement
    assert torch.allclose(both, compose(first, second), atol=1e-6)
    assert not torch.allclose(both, first, atol=1e-3)
    assert not torch.allclose(in_use, both, atol=1e-3)


def test_in_use_every_second_pass_sees_the_images_one_voxel_further() -> None:
    """With empty margins the moved images are the images, so both ways of moving must agree."""
    net = trained(RegistrationConfig(start_channels=2, mlp_width=4, integration_steps=3), scale=0.05).eval()
    inside = torch.zeros(1, 1, *SHAPE)
    inside[:, :, 2:-2, 2:-2, 2:-2] = 1
    moving, fixed, labels, confidence = (part * inside.reshape(part.shape).to(part.dtype) for part in pair())
    with torch.no_grad():
        first = net(moving, fixed, labels, confidence, passes=1).displacement
        further = net(
            moved(warp(moving, first), 1),
            moved(fixed, 1),
            moved(labels[None], 1)[0],
            moved(confidence[None], 1)[0],
            passes=1,
        ).displacement
        both = net(moving, fixed, labels, confidence, passes=2).displacement
    expected = compose(first, moved(further, -1))
    core = (..., slice(0, -3), slice(0, -3), slice(0, -3))
    assert torch.allclose(both[core], expected[core], atol=1e-5)
    assert both.shape == first.shape
    # The planes that moving the images lost go on as before them, not back to zero.
    assert both[..., -1].abs().mean() > 0.5 * both[..., -3].abs().mean()


def test_the_configuration_says_how_many_passes() -> None:
    one = trained(RegistrationConfig(start_channels=2, mlp_width=4)).eval()
    two = trained(RegistrationConfig(start_channels=2, mlp_width=4, passes=2)).eval()
    with torch.no_grad():
        assert torch.equal(two(*pair()).displacement, one(*pair(), passes=2).displacement)


def test_gradients_reach_the_last_pass_only() -> None:
    net = trained(RegistrationConfig(start_channels=2, mlp_width=4, integration_steps=3), scale=0.05)
    moving, *rest = pair()
    moving.requires_grad_()
    net(moving, *rest, passes=2).displacement.square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in net.backbone.stem.parameters())
    # The loss saw two passes, but only one set of activations was kept: the first is a constant to it.
    with torch.no_grad():
        first = net(moving, *rest, passes=1).displacement
    expected = torch.autograd.grad(
        compose(first, net(warp(moving, first), *rest, passes=1).displacement).square().mean(),
        list(net.backbone.stem.parameters()),
    )
    for parameter, gradient in zip(net.backbone.stem.parameters(), expected, strict=True):
        assert torch.allclose(parameter.grad, gradient, rtol=1e-4, atol=1e-8)


def test_a_network_shows_its_settings_and_those_of_its_head() -> None:
    net = trained(RegistrationConfig(start_channels=2, mlp_width=4, grid="half", integration_steps=7))
    assert repr(net).splitlines()[1] == ("  grid=half, integration_steps=7, passes=1, precision=float32")
    regions, channels = len(net.head.embeddings), net.backbone.out_channels
    assert f"regions={regions}, channels={channels}, blend=paper, text_length=" in repr(net.head)
    assert repr(freeze(net).head) == f"FilterTableHead(regions={regions}, channels={channels}, blend=paper)"
