"""What the published networks are counted by."""

from collections.abc import Callable

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from pipeline.network.backbones.backbone import Backbone
from pipeline.network.filters.heads import PlainHead

__all__ = ["multiply_adds"]


def _counted(backbone: Backbone, head: PlainHead, shape: tuple[int, int, int]) -> int:
    image = torch.empty(1, 1, *shape, device="meta")
    with FlopCounterMode(display=False) as counter:
        features = backbone(image, image)
        labels = torch.empty(1, *features.map.shape[2:], dtype=torch.int64, device="meta")
        backbone.decode(head(features.map, labels, labels.float()), features)
    return counter.get_total_flops() // 2


@pytest.fixture
def multiply_adds() -> Callable[[Backbone, PlainHead, tuple[int, int, int]], int]:
    """Counts those of backbone and head, both on the meta device, on images of a shape."""
    return _counted
