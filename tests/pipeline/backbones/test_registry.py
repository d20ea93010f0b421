"""Backbones by name."""

import pytest
import torch

from pairs.errors import UsageError
from pipeline.backbones.registry import BACKBONES, ONE_DECODER, build_backbone
from pipeline.config import RegistrationConfig

__all__: list[str] = []


@pytest.mark.parametrize("name", sorted(BACKBONES))
@pytest.mark.parametrize("stride", [1, 2])
def test_each_backbone_keeps_the_protocol(name: str, stride: int) -> None:
    config = RegistrationConfig(backbone=name, start_channels=2, decoder_stride=stride)
    if stride == 2 and name in ONE_DECODER:
        with pytest.raises(UsageError, match=f"'registration.decoder_stride'; expected 1 with {name}, got 2"):
            build_backbone(config)
        return
    net = build_backbone(config)
    sides = [net.size_multiple * factor for factor in (1, 2, 1)]
    features = net(torch.rand(1, 1, *sides), torch.rand(1, 1, *sides))
    assert features.map.shape == (1, net.out_channels, *(side // net.stride for side in sides))
    assert name in ONE_DECODER or net.stride == stride
    field = net.decode(torch.rand(1, 3, *features.map.shape[2:]), features)
    finest = [side // found for side, found in zip(sides, field.shape[2:], strict=True)]
    assert field.shape[:2] == (1, 3)
    assert finest[0] in (1, net.stride)
    assert len(set(finest)) == 1


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="lkunet"):
        build_backbone(RegistrationConfig(backbone="transmorph9"))
