"""Backbones by name."""

from collections.abc import Iterable

import pytest
import torch

from pairs.errors import UsageError
from pipeline.config import RegistrationConfig
from pipeline.network.backbones.registry import BACKBONES, ONE_DECODER, build_backbone
from pipeline.network.model import RegistrationNet, build_for_inference, build_for_training, freeze

__all__: list[str] = []

# These hold tens of millions of parameters; what they do is what `transmorph-tiny` does.
LARGE = {"transmorph-small", "transmorph-base", "transmorph-large"}
REGIONS = 3
SMALL = set(BACKBONES) - LARGE
EACH_SMALL = pytest.mark.parametrize("name", sorted(SMALL))


def cases(names: Iterable[str]) -> pytest.MarkDecorator:
    """Every backbone with every decoder it has."""
    return pytest.mark.parametrize(
        ("name", "stride"),
        [
            (name, stride)
            for name in sorted(names)
            for stride in (1, 2)
            if stride == 1 or name not in ONE_DECODER
        ],
    )


def config(name: str, **changes: object) -> RegistrationConfig:
    window = {"window": (3, 3, 3)} if name.startswith("transmorph") else {}
    return RegistrationConfig(backbone=name, start_channels=2, mlp_width=4, **window | changes)


def network(name: str, head: str = "text", stride: int = 1) -> RegistrationNet:
    torch.manual_seed(0)
    vectors = torch.randn(REGIONS, 5) if head == "text" else None
    return build_for_training(config(name, head=head, decoder_stride=stride), vectors)


def pair(net: RegistrationNet, factors: tuple[int, int, int] = (1, 1, 1)) -> tuple[torch.Tensor, ...]:
    """Two balls two voxels apart, with their regions and p = 1."""
    sides = [max(net.backbone.size_multiple, 16) * factor for factor in factors]
    places = torch.stack(torch.meshgrid(*map(torch.arange, sides), indexing="ij"), -1).float()
    fixed, moving = (
        ((places - torch.tensor([6.0 + shift, 8, 8])).norm(dim=-1) < 4.5).long()[None] for shift in (0, 2)
    )
    images = [0.8 * labels[:, None].float() + 0.1 for labels in (moving, fixed)]
    return (*images, fixed, torch.ones(fixed.shape))


@cases(BACKBONES)
def test_each_backbone_keeps_the_protocol(name: str, stride: int) -> None:
    with torch.device("meta"):
        net = build_backbone(config(name, decoder_stride=stride))
        # Where maps are narrower than a kernel, autocast would be asked for, which the meta device has not.
        sides = [net.size_multiple * factor for factor in (5, 6, 7)]
        features = net(torch.rand(1, 1, *sides), torch.rand(1, 1, *sides))
        assert features.map.shape == (1, net.out_channels, *(side // net.stride for side in sides))
        assert name in ONE_DECODER or net.stride == stride
        field = net.decode(torch.rand(1, 3, *features.map.shape[2:]), features)
        finest = {side // found for side, found in zip(sides, field.shape[2:], strict=True)}
        assert field.shape[:2] == (1, 3)
        assert finest in ({1}, {net.stride})


@EACH_SMALL
@pytest.mark.parametrize("head", ["text", "plain"])
def test_each_backbone_works_with_either_head_and_as_run_time_twin(name: str, head: str) -> None:
    net = network(name, head, stride=1 if name in ONE_DECODER else 2).eval()
    for parameter in net.head.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    moving, fixed, regions, confidence = pair(net, (2, 1, 1))
    expected = net(moving, fixed, regions, confidence).displacement
    assert expected.shape == (1, 3, *fixed.shape[2:])
    assert expected.isfinite().all()
    assert expected.std() > 0
    empty = build_for_inference(net.config, REGIONS)
    empty.load_state_dict(freeze(net).state_dict())
    assert torch.equal(empty(moving, fixed, regions, confidence).displacement, expected)


@cases(SMALL)
def test_moving_and_fixed_are_not_exchangeable(name: str, stride: int) -> None:
    net = network(name, stride=stride).eval().backbone
    side = net.size_multiple
    moving, fixed = torch.rand(2, 1, 1, side, side, side)
    assert not torch.allclose(net(moving, fixed).map, net(fixed, moving).map)


@pytest.mark.parametrize("name", ["fouriernet", "lkunet"])
def test_the_first_channel_is_the_moving_image(name: str) -> None:
    net = build_backbone(config(name))
    seen: list[torch.Tensor] = []
    net.stem.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    moving, fixed = torch.zeros(1, 1, 16, 16, 16), torch.ones(1, 1, 16, 16, 16)
    net(moving, fixed)
    assert torch.equal(seen[0], torch.cat([moving, fixed], dim=1))


@cases(SMALL)
def test_every_parameter_takes_part(name: str, stride: int) -> None:
    net = network(name, stride=stride).eval()
    side = 2 * net.backbone.size_multiple
    image = torch.rand(1, 1, side, side, side)
    net.backbone(image, image.flip(2)).map.pow(3).sum().backward()
    silent = [n for n, p in net.backbone.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert silent == []


@EACH_SMALL
def test_bfloat16_gradients_are_finite_on_the_narrowest_maps(name: str) -> None:
    net = network(name)
    moving, fixed, *_ = pair(net)
    for size in (1000, 1037, 5000):
        # Memory left behind by others, for a convolution that would read it.
        junk = [torch.full((size,), float("nan")) for _ in range(20)]
        del junk
        with torch.autocast("cpu", dtype=torch.bfloat16):
            features = net.backbone(moving, fixed).map
        gradients = torch.autograd.grad(features.float().square().mean(), list(net.backbone.parameters()))
        assert all(gradient.isfinite().all() for gradient in gradients)


@EACH_SMALL
def test_the_feature_map_varies_over_space_from_the_start(name: str) -> None:
    """Filters tell places apart only by F; from a flat start training is slow to move anything."""
    net = network(name)
    moving, fixed, *_ = pair(net)
    with torch.no_grad():
        features = net.backbone(moving, fixed).map
    assert features.flatten(2).std(-1).mean() > 0.1 * fixed.std()


@cases(SMALL)
def test_a_side_that_is_no_multiple_is_not_silently_resized(name: str, stride: int) -> None:
    net = build_backbone(config(name, decoder_stride=stride))
    side = net.size_multiple
    image = torch.zeros(1, 1, side, side, side + side // 2)
    with pytest.raises(RuntimeError):
        net(image, image)


@pytest.mark.parametrize("name", ONE_DECODER)
def test_a_decoder_stride_is_refused_where_there_is_no_choice(name: str) -> None:
    with pytest.raises(UsageError, match=f"'registration.decoder_stride'; expected 1 with {name}, got 2"):
        build_backbone(config(name, decoder_stride=2))


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="lkunet"):
        build_backbone(RegistrationConfig(backbone="transmorph9"))


@pytest.mark.parametrize("name", ["lkunet", "voxelmorph"])
def test_a_window_is_refused_where_there_is_none(name: str) -> None:
    with pytest.raises(UsageError, match=r"registration\.window.*transmorph-tiny"):
        build_backbone(RegistrationConfig(backbone=name, window=(3, 3, 4)))


@cases(BACKBONES)
def test_each_backbone_shows_its_sizes(name: str, stride: int) -> None:
    with torch.device("meta"):
        net = build_backbone(config(name, decoder_stride=stride))
    sizes = f"channels={net.out_channels}, stride={net.stride}, size_multiple={net.size_multiple}"
    assert sizes in repr(net).splitlines()[1]
