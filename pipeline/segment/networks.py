"""Segmentation networks from MONAI, by name, and the loss they are trained with."""

from collections.abc import Callable

from torch import nn

from pipeline.config import SegmentorConfig

__all__ = ["NETWORKS", "build_network", "segmentation_loss", "total_stride"]


def build_network(config: SegmentorConfig, regions: int) -> nn.Module:
    """The network of `config` with fresh weights: (B, 1, X, Y, Z) to (B, regions, X, Y, Z) logits."""
    return NETWORKS[config.network](config, regions)


def total_stride(config: SegmentorConfig) -> int:
    """Every side of the network's input must be a multiple of this."""
    return 2 ** (len(config.channels) - 1)


def segmentation_loss() -> nn.Module:
    """Dice plus cross entropy over logits (B, N, X, Y, Z) and region indices (B, 1, X, Y, Z)."""
    from monai.losses import DiceCELoss

    return DiceCELoss(to_onehot_y=True, softmax=True)


def _unet(config: SegmentorConfig, regions: int) -> nn.Module:
    from monai.networks.nets import UNet

    return UNet(
        spatial_dims=3,
        in_channels=1,
        out_channels=regions,
        channels=config.channels,
        strides=(2,) * (len(config.channels) - 1),
        num_res_units=config.residual_units,
        norm="instance",
    )


NETWORKS: dict[str, Callable[[SegmentorConfig, int], nn.Module]] = {"unet": _unet}
