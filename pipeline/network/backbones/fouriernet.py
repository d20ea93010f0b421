"""Fourier-Net: the low frequencies of a field from an encoder and half a decoder (Jia et al. 2023)."""

import torch
from torch import nn

from pipeline.network.backbones.backbone import Backbone, Features
from pipeline.network.backbones.unet import UpLevel, conv_prelu
from pipeline.typing import Float, Tensor

__all__ = ["FourierNet", "band_limited"]


class FourierNet(Backbone):
    """Feature map of (moving, fixed) at a quarter of the size, for a field of few frequencies.

    Args:
        start_channels: Ns, the width of the finest level; C2 = 2 Ns.

    References:
        Jia et al. 2023, https://arxiv.org/abs/2211.16342
    """

    stride = 4
    size_multiple = 16

    def __init__(self, start_channels: int) -> None:
        super().__init__()
        n = start_channels
        self.out_channels = 2 * n
        self.stem = nn.Sequential(conv_prelu(2, n), conv_prelu(n, n))
        widths = [(n, 2 * n, 2 * n), (2 * n, 4 * n, 4 * n), (4 * n, 8 * n, 8 * n), (8 * n, 16 * n, 8 * n)]
        self.down = nn.ModuleList(
            nn.Sequential(conv_prelu(c_in, mid, stride=2), conv_prelu(mid, c_out))
            for c_in, mid, c_out in widths
        )
        self.up = nn.ModuleList(
            [UpLevel(8 * n, 8 * n, 8 * n, 4 * n), UpLevel(4 * n, 4 * n, 4 * n, 2 * n)],
        )

    def forward(self, moving: Float[Tensor, "B 1 X Y Z"], fixed: Float[Tensor, "B 1 X Y Z"]) -> Features:
        """F of the pair; the channel order is moving, fixed."""
        features = self.stem(torch.cat([moving, fixed], dim=1))
        skips = []
        for level in self.down:
            features = level(features)
            skips.append(features)
        skips.pop()
        for level in self.up:
            features = level(features, skips.pop())
        return Features(features)

    def decode(self, response: Float[Tensor, "B 3 U V W"], features: Features) -> Float[Tensor, "B 3 P Q R"]:
        """The band-limited field whose low-pass the response is, on the input grid in its voxels.

        The published network fills the spectrum up with zeros and leaves the amplitudes alone, so that the
        inverse transform divides them by 64, the voxels that come for one. We keep that: the response is 64
        times the field in normalised units (-1..1 from first to last voxel), and steps of the optimizer are
        steps of a fraction of a voxel, as with the other backbones.
        """
        del features
        field_norm = response / self.stride**3
        for axis in (2, 3, 4):
            field_norm = band_limited(field_norm, axis, self.stride * response.shape[axis])
        last = [self.stride * side - 1 for side in response.shape[2:]]
        voxels_per_norm = torch.tensor(last, device=response.device, dtype=response.dtype) / 2
        return field_norm * voxels_per_norm.view(1, 3, 1, 1, 1)


def band_limited(volume: Float[Tensor, "*any"], axis: int, size: int) -> Float[Tensor, "*any2"]:
    """Trigonometric interpolation along one axis: the spectrum is filled up with zeros to `size` frequencies.

    Old sample i is new sample `i * size / n`; the axis is taken for periodic.

    Args:
        volume: n samples along `axis`.
        axis: which.
        size: new number of samples, at least n.
    """
    samples = volume.shape[axis]
    spectrum = torch.fft.rfft(volume, dim=axis)
    if samples % 2 == 0 and size > samples:
        # The highest frequency of an even number of samples stands for its positive and negative twin.
        kept, highest = spectrum.split([samples // 2, 1], dim=axis)
        spectrum = torch.cat([kept, highest / 2], dim=axis)
    return torch.fft.irfft(spectrum, n=size, dim=axis) * (size / samples)
