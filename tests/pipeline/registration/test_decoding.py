"""Host decoding as a differentiable map: the codec's own numbers, on a box and through padding."""

import numpy as np
import pytest
import torch

from pairs.fields.displacement import PROFILES
from pairs.fields.encoding import decode, encode
from pairs.fields.resampling import Upsampling
from pipeline.registration.decoding import HostDecoding

__all__: list[str] = []

SHAPE = (16, 20, 12)
BOX = (slice(3, 13), slice(0, 20), slice(2, 12))
PADDED = (12, 24, 16)


@pytest.mark.parametrize(("upsampling", "profile"), [("zoom2", "l2r2021"), ("trilinear", "psmareg2026")])
def test_it_gives_what_the_codec_writes_and_the_host_reads(
    device: torch.device, upsampling: Upsampling, profile: str
) -> None:
    random = np.random.default_rng(0)
    part = random.normal(size=(*PADDED, 3)).astype(np.float32)
    inside = part[: 13 - 3, :20, : 12 - 2]
    full = np.pad(inside, [(3, 3), (0, 0), (2, 0), (0, 0)], mode="edge")
    expected = decode(encode(full, PROFILES[profile]), PROFILES[profile])[BOX]
    decoding = HostDecoding(upsampling, SHAPE, BOX, PADDED, device)
    result = decoding(torch.from_numpy(part).movedim(-1, 0)[None])[0].movedim(0, -1).numpy()
    assert result.shape == part.shape
    # float16 storage is all that differs.
    assert np.abs(result[:10, :20, :10] - expected).max() < 5e-3
    assert np.abs(inside - expected).max() > 0.1


def test_gradients_pass(device: torch.device) -> None:
    displacement = torch.zeros(1, 3, *PADDED, requires_grad=True)
    HostDecoding("zoom2", SHAPE, BOX, PADDED, device)(displacement).sum().backward()
    assert displacement.grad is not None
    assert displacement.grad.abs().max() > 0
