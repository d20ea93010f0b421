"""Parameters and multi-adds of a run-time registration network, counted on the meta device."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from pipeline.config import RegistrationConfig
from pipeline.network.backbones.lkunet import LargeKernelBlock
from pipeline.network.filters.heads import FilterTableHead
from pipeline.network.model import build_for_inference
from pipeline.typing import Tensor

__all__ = ["Complexity", "complexity_of"]


@dataclass(frozen=True)
class Complexity:
    """What one network holds and does.

    Attributes:
        grid: Input size in voxels, padded as the backbone needs it.
        feature_grid: Size of F.
        parameters: At run time: the filter table, and neither the text vectors nor Phi.
        published_macs: Multi-adds of convolutions, linear layers and attention, the network as published:
            the branches of a large-kernel block one by one, at every voxel the filter of its own region.
        run_macs: Multi-adds as this program runs it: the branches folded into one kernel, the filters of all
            regions at every voxel.
    """

    grid: tuple[int, ...]
    feature_grid: tuple[int, ...]
    parameters: int
    published_macs: int
    run_macs: int


def complexity_of(config: RegistrationConfig, regions: int, shape: Sequence[int]) -> Complexity:
    """Counts of one application to one pair; the meta device holds shapes and no numbers.

    Args:
        config: Of the network.
        regions: N, background included.
        shape: Input size in voxels.

    Raises:
        UsageError: There is no such backbone, or it does not take a setting.
    """
    with torch.device("meta"):
        net = build_for_inference(config, regions)
        multiple = net.backbone.size_multiple
        grid = tuple(-(-side // multiple) * multiple for side in shape)
        image = torch.empty(1, 1, *grid)
        folded = _Folded(net.backbone)
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            features = net.backbone(image, image).map
            labels = torch.empty(1, *features.shape[2:], dtype=torch.int64)
            net.head(features, labels, torch.empty(1, *features.shape[2:]))
    run = counter.get_total_flops() // 2
    published = run + folded.macs - _other_filters(net.head, features)
    parameters = sum(p.numel() for p in net.parameters())
    return Complexity(grid, tuple(features.shape[2:]), parameters, published, run)


class _Folded:
    """Adds up, while the backbone runs, what its large-kernel blocks save."""

    def __init__(self, backbone: nn.Module) -> None:
        self.macs = 0
        for module in backbone.modules():
            if isinstance(module, LargeKernelBlock):
                module.register_forward_hook(self._add)

    def _add(self, _block: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        channels = output.shape[1]
        self.macs += (3**3 + 1) * channels**2 * output[0, 0].numel()


def _other_filters(head: nn.Module, features: Tensor) -> int:
    """Multi-adds of filters of regions that a voxel is not in."""
    if not isinstance(head, FilterTableHead):
        return 0
    return (len(head.filters) - 1) * 3 * features[0].numel()
