"""MeshNet: a chain of dilated convolutions on the full grid, applied to whole volumes in little memory."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from pipeline.regions.config import MeshNetConfig
from pipeline.typing import Float, Tensor

__all__ = ["MeshNet"]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "elu": lambda: nn.ELU(inplace=True),
    "gelu": nn.GELU,
}
_SLAB_VOX = 16
"""A convolution of the CPU makes copies of its input and output, which of a whole brain take gigabytes."""


class MeshNet(nn.Module):
    """3x3x3 convolutions of growing and shrinking dilation, then one of 1x1x1 to the classes.

    The tensors have the names of brainchop's files, `model.0.weight` and so on. The volume counts as going on
    with zeros beyond its borders, as a head does in the 256 mm cube that the published weights were trained
    on: what a layer makes of nothing but zeros is what it sees there.

    Args:
        config: the layers.
        classes: of the logits.

    References:
        Fedorov et al. 2017, End-to-end learning of brain tissue segmentation from imperfect labeling,
        https://arxiv.org/abs/1612.00940
    """

    def __init__(self, config: MeshNetConfig, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number, dilation in enumerate(config.dilations):
            before = config.channels if number else 1
            layers.append(nn.Conv3d(before, config.channels, 3, padding=dilation, dilation=dilation))
            layers.append(ACTIVATIONS[config.activation]())
        self.model = nn.Sequential(*layers, nn.Conv3d(config.channels, classes, 1))

    def forward(self, image: Float[Tensor, "1 1 X Y Z"]) -> Float[Tensor, "1 N X Y Z"]:
        """Logits of all classes; `features` and `classifier` give them part by part."""
        return self.classifier(self.features(image))

    @property
    def classifier(self) -> nn.Conv3d:
        """The last convolution, which looks at each voxel alone."""
        last = self.model[-1]
        if not isinstance(last, nn.Conv3d):
            raise TypeError("a MeshNet ends with a convolution")
        return last

    @torch.no_grad()
    def features(self, image: Float[Tensor, "1 1 X Y Z"]) -> Float[Tensor, "1 C X Y Z"]:
        """What the classifier sees; at most two maps of a layer are in memory at once."""
        # Maps are kept as what they differ by from the layer's answer to zeros alone: that is 0 beyond the
        # borders, and zero padding is what convolutions have.
        maps, of_zeros = image, image.new_zeros(1)
        layers = list(self.model)
        for convolution, activation in zip(layers[:-1:2], layers[1::2], strict=True):
            if not isinstance(convolution, nn.Conv3d) or convolution.bias is None:
                raise TypeError("each layer of a MeshNet begins with a convolution that has a bias")
            constant = convolution.bias + convolution.weight.sum((2, 3, 4)) @ of_zeros
            of_zeros = activation(constant.clone())
            maps = _layer(maps, convolution, activation, constant)
        return maps.add_(of_zeros.view(-1, 1, 1, 1))


def _layer(
    maps: Float[Tensor, "1 C X Y Z"],
    convolution: nn.Conv3d,
    activation: nn.Module,
    constant: Float[Tensor, " D"],
) -> Float[Tensor, "1 D X Y Z"]:
    """What a layer makes of all maps less what it makes of zeros, some planes after the others.

    Args:
        maps: what they differ by from the maps of zeros.
        convolution: taken without its bias.
        activation: may work in place.
        constant: what the convolution makes of zeros.
    """
    halo, planes = int(convolution.dilation[0]), maps.shape[2]
    before = constant.view(-1, 1, 1, 1)
    after = activation(before.clone())
    found = maps.new_empty(1, convolution.out_channels, *maps.shape[2:])
    for start in range(0, planes, _SLAB_VOX):
        stop = min(start + _SLAB_VOX, planes)
        first, last = start - halo, stop + halo
        seen = F.pad(maps[:, :, max(first, 0) : last], [0, 0, 0, 0, max(-first, 0), max(last - planes, 0)])
        slab = F.conv3d(seen, convolution.weight, None, 1, (0, halo, halo), halo)
        found[:, :, start:stop] = activation(slab.add_(before)).sub_(after)
    return found
