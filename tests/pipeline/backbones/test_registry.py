"""Backbones by name."""

import pytest
import torch

from pairs.errors import UsageError
from pipeline.backbones.registry import BACKBONES, build_backbone
from pipeline.config import RegistrationConfig

__all__: list[str] = []


@pytest.mark.parametrize("name", sorted(BACKBONES))
@pytest.mark.parametrize("stride", [1, 2])
def test_each_backbone_keeps_the_protocol(name: str, stride: int) -> None:
    net = build_backbone(RegistrationConfig(backbone=name, start_channels=2, decoder_stride=stride))
    sides = [net.size_multiple * factor for factor in (1, 2, 1)]
    features = net(torch.rand(1, 1, *sides), torch.rand(1, 1, *sides))
    assert features.map.shape == (1, net.out_channels, *(side // net.stride for side in sides))
    assert net.stride == stride
    response = torch.rand(1, 3, *features.map.shape[2:])
    assert net.decode(response, features).shape[:2] == (1, 3)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="lkunet"):
        build_backbone(RegistrationConfig(backbone="transmorph9"))
