"""An image seen on two half grids, one between the other."""

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.config import IntensityConfig, SegmentorConfig
from pipeline.network.halfgrid import halved_image
from pipeline.regions.logits import Logits
from pipeline.regions.networks import HalfGrid
from pipeline.regions.segmentor import Segmentor

__all__: list[str] = []

SHAPE = (37, 9, 10)
CONFIG = SegmentorConfig(channels=(2, 4), grid="half", roi=(64, 64, 64), interleaved=True)


class Watched(nn.Module):
    """Keeps what it saw, and says it again for the second of two classes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.seen.append(image.cpu())
        return torch.cat([torch.zeros_like(image), image], dim=1)


def ramps(first: int) -> torch.Tensor:
    """Two classes that grow by other slopes along every axis, at every second voxel from `first` on."""
    x, y, z = torch.meshgrid(
        *((first + 2 * torch.arange(side // 2 + 2)).float() for side in SHAPE), indexing="ij"
    )
    return torch.stack([x + 10 * y + 100 * z, 3 * x - y + 2 * z])[None]


def test_both_grids_lie_where_they_were_seen() -> None:
    """A ramp on both is a ramp in between; in front of the second grid nothing is known."""
    logits = Logits(ramps(0), SHAPE, halved=True, between=ramps(1))
    x, y, z = torch.meshgrid(*(torch.arange(side).float() for side in SHAPE), indexing="ij")
    expected = torch.stack([x + 10 * y + 100 * z, 3 * x - y + 2 * z])
    found = torch.cat([slab for _, slab in logits.slabs()], dim=1)
    assert found.shape == (2, *SHAPE)
    torch.testing.assert_close(found[:, 1:, 1:, 1:], expected[:, 1:, 1:, 1:])
    torch.testing.assert_close(
        found[:, 0, 1:, 1:], expected[:, 0, 1:, 1:] + torch.tensor([0.5, 1.5]).view(2, 1, 1)
    )
    torch.testing.assert_close(logits.of(1), found[1])


def test_the_second_look_begins_one_voxel_further(device: torch.device) -> None:
    watched = Watched()
    segmentor = Segmentor(HalfGrid(watched), CONFIG, device, IntensityConfig(), range(2))
    image = 0.1 + np.random.default_rng(0).random(SHAPE, np.float32)
    segmentor.segment(image)
    first, second = watched.seen
    padded = torch.zeros(1, 1, 41, 13, 13)
    padded[:, :, :37, :9, :10] = torch.from_numpy(image)
    torch.testing.assert_close(first, halved_image(padded[:, :, :40, :12, :12]))
    torch.testing.assert_close(second, halved_image(padded[:, :, 1:, 1:, 1:]))


def test_only_the_half_grid_can_be_interleaved() -> None:
    with pytest.raises(ValueError, match="interleaved with grid 'half'"):
        SegmentorConfig(grid="full", interleaved=True)
