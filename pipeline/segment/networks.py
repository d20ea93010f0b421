"""Segmentation networks from MONAI, by name, and the loss they are trained with."""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from torch import nn

from pipeline.config import SegmentorConfig

if TYPE_CHECKING:
    from monai.networks.nets import SwinUNETR

__all__ = ["NETWORKS", "SWIN_FEATURES", "build_network", "segmentation_loss", "total_stride"]

SWIN_FEATURES = {"base": 48, "small": 24, "tiny": 12}
"""Feature size of SwinUNETR by the names of the public BTCV checkpoints."""
SWIN_STRIDE = 32


def build_network(config: SegmentorConfig, regions: int) -> nn.Module:
    """The network of `config` with fresh weights: (B, 1, X, Y, Z) to (B, classes, X, Y, Z) logits.

    Args:
        config: architecture; its `class_labels`, where given, say how many classes there are.
        regions: how many there are otherwise, background included.
    """
    classes = regions if config.class_labels is None else len(config.class_labels)
    return NETWORKS[config.network](config, classes)


def total_stride(config: SegmentorConfig) -> int:
    """Every side of the network's input must be a multiple of this."""
    return 2 ** (len(config.channels) - 1) if config.network == "unet" else SWIN_STRIDE


def segmentation_loss() -> nn.Module:
    """Dice plus cross entropy over logits (B, N, X, Y, Z) and region indices (B, 1, X, Y, Z)."""
    from monai.losses import DiceCELoss

    return DiceCELoss(to_onehot_y=True, softmax=True)


def _unet(config: SegmentorConfig, classes: int) -> nn.Module:
    from monai.networks.nets import UNet

    return UNet(
        spatial_dims=3,
        in_channels=1,
        out_channels=classes,
        channels=config.channels,
        strides=(2,) * (len(config.channels) - 1),
        num_res_units=config.residual_units,
        norm="instance",
    )


def _swin(feature_size: int) -> Callable[[SegmentorConfig, int], "SwinUNETR"]:
    def build(config: SegmentorConfig, classes: int) -> "SwinUNETR":
        from monai.networks.nets import SwinUNETR

        from pipeline.segment.merging import LegacyPatchMerging

        return SwinUNETR(
            in_channels=1,
            out_channels=classes,
            feature_size=feature_size,
            # A class, although MONAI annotates an instance.
            downsample=cast(nn.Module, LegacyPatchMerging) if config.merging == "legacy" else "merging",
        )

    return build


NETWORKS: dict[str, Callable[[SegmentorConfig, int], nn.Module]] = {
    "unet": _unet,
    **{f"swinunetr-{size}": _swin(features) for size, features in SWIN_FEATURES.items()},
}
