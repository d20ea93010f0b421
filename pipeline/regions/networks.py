"""Segmentation networks by name, most of them MONAI's, and the loss they are trained with."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import nn

from pipeline.config import SegmentorConfig
from pipeline.network.halfgrid import doubled_map, halved_image
from pipeline.regions.blocks import BLOCK, BlockGrid
from pipeline.regions.meshnet import MeshNet
from pipeline.regions.plainunet import PlainUNet
from pipeline.registration.preprocess import pad_to_multiple
from pipeline.typing import Float, Shaped, Tensor

if TYPE_CHECKING:
    from monai.networks.nets import SwinUNETR

__all__ = [
    "NETWORKS",
    "SWIN_FEATURES",
    "HalfGrid",
    "build_network",
    "outline",
    "padded_for",
    "segmentation_loss",
]

SWIN_FEATURES = {"base": 48, "small": 24, "tiny": 12}
"""Feature size of SwinUNETR by the names of the public BTCV checkpoints."""


class HalfGrid(nn.Module):
    """A network that sees the mean of each 2x2x2 voxels.

    Args:
        core: the network; sides of its input are half as long.
    """

    def __init__(self, core: nn.Module) -> None:
        super().__init__()
        self.core = core

    def forward(self, image: Float[Tensor, "B 1 X Y Z"]) -> Float[Tensor, "B N X Y Z"]:
        """Logits on the grid of `image`, interpolated."""
        return doubled_map(self.core(halved_image(image)).float())


def build_network(config: SegmentorConfig, regions: int) -> nn.Module:
    """The network of `config` with fresh weights: (B, 1, X, Y, Z) to (B, classes, X, Y, Z) logits.

    Args:
        config: architecture; its `class_labels`, where given, say how many classes there are.
        regions: how many there are otherwise, background included.
    """
    classes = regions if config.class_labels is None else len(config.class_labels)
    if config.grid == "blocks":
        return BlockGrid(PlainUNet(config.channels, classes, BLOCK))
    network = NETWORKS[config.network](config, classes)
    return HalfGrid(network) if config.grid == "half" else network


def outline(config: SegmentorConfig, regions: int) -> nn.Module:
    """The network of `build_network`, where its size is the configuration's choice without memory for it.

    MONAI's SwinUNETR cannot be built so; its sizes are those of `SWIN_FEATURES`.
    """
    with torch.device("cpu" if config.is_swin else "meta"):
        return build_network(config, regions)


def padded_for(
    config: SegmentorConfig, volume: Shaped[Tensor, "B C X Y Z"], at_least: Sequence[int] | None = None
) -> Shaped[Tensor, "B C U V W"]:
    """Zeros behind the last voxel of each axis until the network takes the volume.

    Its sides are then multiples of the stride and `at_least` so long, with more than one voxel at the
    network's bottom: a single one has no variance to be normalised by.
    """
    stride = config.total_stride
    padded = pad_to_multiple(volume, stride, at_least)
    return F.pad(padded, [0, stride]) if set(padded.shape[2:]) == {stride} else padded


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


def _plain_unet(config: SegmentorConfig, classes: int) -> nn.Module:
    return PlainUNet(config.channels, classes)


def _meshnet(config: SegmentorConfig, classes: int) -> nn.Module:
    if config.meshnet is None:
        raise ValueError("a MeshNet without its layers")
    return MeshNet(config.meshnet, classes)


def _swin(feature_size: int) -> Callable[[SegmentorConfig, int], "SwinUNETR"]:
    def build(config: SegmentorConfig, classes: int) -> "SwinUNETR":
        from monai.networks.nets import SwinUNETR

        from pipeline.regions.merging import LegacyPatchMerging

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
    "plainunet": _plain_unet,
    "meshnet": _meshnet,
    **{f"swinunetr-{size}": _swin(features) for size, features in SWIN_FEATURES.items()},
}
