"""Every gradient has memory of its own: clipping, and the next item of a batch, change it in place."""

from collections import Counter

import pytest
import torch
from torch import nn

from pipeline.config import RegistrationConfig, SegmentorConfig
from pipeline.network.model import build_for_training
from pipeline.regions.networks import build_network

__all__: list[str] = []

REGISTRATIONS = {
    "lkunet": RegistrationConfig(start_channels=2, mlp_width=4),
    "official": RegistrationConfig(start_channels=2, mlp_width=4, blend="official", mlp="per_axis"),
    "coordinates": RegistrationConfig(start_channels=2, mlp_width=4, head="coordinates"),
    "plain": RegistrationConfig(start_channels=2, head="plain", decoder_stride=2),
    "integrated": RegistrationConfig(start_channels=2, mlp_width=4, integration_steps=2),
    "lapirn": RegistrationConfig(backbone="lapirn", start_channels=2, mlp_width=4),
    "fouriernet": RegistrationConfig(backbone="fouriernet", start_channels=2, mlp_width=4),
    "transmorph": RegistrationConfig(backbone="transmorph-tiny", window=(2, 2, 2), mlp_width=4),
}


def sharing(net: nn.Module) -> list[str]:
    """Names of the parameters whose gradient lies in the memory of another's."""
    places = {
        name: one.grad.untyped_storage().data_ptr()
        for name, one in net.named_parameters()
        if one.grad is not None
    }
    assert places
    count = Counter(places.values())
    return [name for name, place in places.items() if count[place] > 1]


@pytest.mark.slow
@pytest.mark.parametrize("name", REGISTRATIONS)
def test_gradients_of_a_registration_share_no_memory(name: str) -> None:
    config = REGISTRATIONS[name]
    torch.manual_seed(0)
    net = build_for_training(config, torch.randn(3, 5) if config.head == "text" else None)
    side = max(32, net.backbone.size_multiple)
    moving, fixed = torch.rand(2, 1, 1, side, side, side)
    labels = torch.randint(0, 3, (1, side, side, side))
    net(moving, fixed, labels, torch.full(labels.shape, 0.5)).displacement.square().sum().backward()
    assert sharing(net) == []


@pytest.mark.parametrize("name", ["unet", "plainunet"])
def test_gradients_of_a_segmentor_share_no_memory(name: str) -> None:
    net = build_network(SegmentorConfig(network=name, channels=(2, 4)), 2)
    logits = net(torch.rand(1, 1, 16, 16, 16))
    levels = logits if isinstance(logits, list) else [logits]
    torch.stack([one.square().sum() for one in levels]).sum().backward()
    assert sharing(net) == []
