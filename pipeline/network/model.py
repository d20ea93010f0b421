"""The registration network: backbone, head, optional integration, displacement on the full grid."""

from collections.abc import Iterator
from copy import deepcopy
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from pipeline.config import RegistrationConfig
from pipeline.machine.device import mixed_precision
from pipeline.network.backbones.backbone import Backbone, Pyramid
from pipeline.network.backbones.registry import build_backbone
from pipeline.network.filters.coordinates import CoordinatesHead
from pipeline.network.filters.heads import FilterTableHead, PlainHead, TextHead
from pipeline.network.filters.response import to_feature_grid
from pipeline.network.warp import compose, integrate, upsample_displacement, warp
from pipeline.typing import Float, Int, Shaped, Tensor

__all__ = [
    "NetworkInput",
    "RegistrationNet",
    "RegistrationOutput",
    "build_for_inference",
    "build_for_training",
    "freeze",
]


class RegistrationOutput(NamedTuple):
    """What the network says of one pair."""

    displacement: Float[Tensor, "B 3 X Y Z"]
    """u on the input grid, in its voxels."""
    regularised: Float[Tensor, "B 3 U V W"]
    """What the smoothness loss looks at: the velocity when integrating, else u; summed over the passes."""


class NetworkInput(NamedTuple):
    """What the network sees of a batch of pairs; every side is a multiple of `backbone.size_multiple`."""

    moving: Float[Tensor, "B 1 X Y Z"]
    """In 0..1, as `fixed`."""
    fixed: Float[Tensor, "B 1 X Y Z"]
    labels: Int[Tensor, "B X Y Z"]
    """Region index of each voxel of the fixed image."""
    confidence: Float[Tensor, "B X Y Z"]
    """p in 0..1 of each voxel of the fixed image."""


class RegistrationNet(nn.Module):
    """(moving, fixed, labels, confidence) to displacement, all on one grid.

    Args:
        config: integration and passes.
        backbone: makes F.
        head: turns F into the field, already built for the backbone's channels.
        precision: of the backbone; the head and all coordinates stay in float32.

    Examples:
        >>> import torch
        >>> from pipeline.config import RegistrationConfig
        >>> text_vectors = torch.randn(3, 8)
        >>> net = build_for_training(RegistrationConfig(start_channels=2, mlp_width=8), text_vectors)
        >>> moving, fixed = torch.rand(2, 1, 1, 16, 16, 16)
        >>> labels = torch.randint(0, 3, (1, 16, 16, 16))
        >>> net(moving, fixed, labels, torch.ones(1, 16, 16, 16)).displacement.shape
        torch.Size([1, 3, 16, 16, 16])

    References:
        Chen et al., textSCF, https://arxiv.org/abs/2311.15607; cycle spinning of the passes, Coifman and
        Donoho 1995, https://doi.org/10.1007/978-1-4612-2544-7_9
    """

    def __init__(
        self,
        config: RegistrationConfig,
        backbone: Backbone,
        head: nn.Module,
        precision: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.precision = precision
        self.config = config
        self.backbone = backbone
        self.head = head
        self.level: int | None = None
        """The coarse level of a pyramid whose field is taken in place of the head's; None uses all levels."""

    def extra_repr(self) -> str:
        """Returns the settings that hold for the whole network."""
        config = self.config
        return (
            f"grid={config.grid}, integration_steps={config.integration_steps}, passes={config.passes}, "
            f"precision={str(self.precision).removeprefix('torch.')}"
        )

    def forward(
        self,
        moving: Float[Tensor, "B 1 X Y Z"],
        fixed: Float[Tensor, "B 1 X Y Z"],
        labels: Int[Tensor, "B X Y Z"],
        confidence: Float[Tensor, "B X Y Z"],
        passes: int | None = None,
    ) -> RegistrationOutput:
        """Displacement of one batch after the last pass; the arguments are those of `after_each_pass`."""
        *_, last = self.after_each_pass(NetworkInput(moving, fixed, labels, confidence), passes)
        return last

    def after_each_pass(self, seen: NetworkInput, passes: int | None = None) -> Iterator[RegistrationOutput]:
        """Displacements of one batch.

        Each pass registers the moving image as the passes before have warped it. Gradients reach the
        last pass only, so that memory does not grow with the number.

        Args:
            seen: the pairs.
            passes: how often the network is applied; the configuration's number where None.
        """
        count = passes or self.config.passes
        with torch.set_grad_enabled(torch.is_grad_enabled() and count == 1):
            output = self._pass(seen)
        yield output
        for number in range(2, count + 1):
            with torch.set_grad_enabled(torch.is_grad_enabled() and number == count):
                warped = warp(seen.moving, output.displacement)
                step = self._next_pass(number, seen._replace(moving=warped))
                output = RegistrationOutput(
                    compose(output.displacement, step.displacement), output.regularised + step.regularised
                )
            yield output

    def _next_pass(self, number: int, seen: NetworkInput) -> RegistrationOutput:
        """In use, every second pass sees the images one voxel further along every axis.

        The strides of the backbone make its errors depend on where its coarse grids lie; passes on grids
        that lie apart cancel a part of them (cycle spinning, Coifman and Donoho 1995). In training the
        augmentation moves the images already.
        """
        if self.training or number % 2 == 1:
            return self._pass(seen)
        images = [_moved_on(part) for part in (seen.moving, seen.fixed)]
        regions = [_moved_on(part[:, None])[:, 0] for part in (seen.labels, seen.confidence)]
        output = self._pass(NetworkInput(*images, *regions))
        return RegistrationOutput(_moved_back(output.displacement), output.regularised)

    def _pass(self, seen: NetworkInput) -> RegistrationOutput:
        field, shape = self._field(seen), seen.fixed.shape[2:]
        if self.config.integration_steps == 0:
            displacement = upsample_displacement(field, shape)
            return RegistrationOutput(displacement, displacement)
        # The field's values are voxels of the input grid; the integration walks on the field's own grid.
        scale = shape[0] // field.shape[2]
        velocity = field / scale
        displacement = integrate(velocity, self.config.integration_steps) * scale
        return RegistrationOutput(upsample_displacement(displacement, shape), velocity)

    def _field(self, seen: NetworkInput) -> Float[Tensor, "B 3 U V W"]:
        """What the backbone and the head make of the pair, in voxels of the input grid."""
        device = seen.fixed.device
        if isinstance(self.backbone, Pyramid) and self.level is not None:
            with mixed_precision(device, self.precision):
                return self.backbone.coarse_field(seen.moving, seen.fixed, self.level)
        with mixed_precision(device, self.precision):
            features = self.backbone(seen.moving, seen.fixed).float()
        regions = (to_feature_grid(part, self.backbone.stride) for part in (seen.labels, seen.confidence))
        return self.backbone.decode(self.head(features.map, *regions), features)


def _moved_on(volume: Shaped[Tensor, "B C X Y Z"]) -> Shaped[Tensor, "B C X Y Z"]:
    """Every voxel one further along every axis, zeros in front; the last plane of each axis is lost."""
    return F.pad(volume, [1, -1] * 3)


def _moved_back(displacement: Float[Tensor, "B 3 X Y Z"]) -> Float[Tensor, "B 3 X Y Z"]:
    """The inverse of `_moved_on` for a displacement, which goes on at the last planes as before them."""
    return F.pad(displacement[:, :, 1:, 1:, 1:], [0, 1] * 3, mode="replicate")


def build_for_training(
    config: RegistrationConfig,
    embeddings: Float[Tensor, "N C1"] | None,
    precision: torch.dtype = torch.float32,
) -> RegistrationNet:
    """A network with fresh weights.

    Args:
        config: of the network.
        embeddings: what the text head reads; where it is None and the head is not the coordinates', the head
            is the plain one.
        precision: of the backbone.
    """
    backbone = build_backbone(config)
    channels = backbone.out_channels
    head: nn.Module
    if config.head == "coordinates":
        head = CoordinatesHead(channels, config.mlp_width, config.mlp)
    elif embeddings is None:
        head = PlainHead(channels, backbone.head_bias)
    else:
        head = TextHead(embeddings, channels, config.mlp_width, config.mlp, config.blend)
    return RegistrationNet(config, backbone, head, precision)


def build_for_inference(config: RegistrationConfig, regions: int) -> RegistrationNet:
    """An empty run-time network, to be filled from a bundle; the filter table has `regions` rows."""
    backbone = build_backbone(config)
    channels = backbone.out_channels
    head: nn.Module
    if config.head == "coordinates":
        head = CoordinatesHead(channels, config.mlp_width, config.mlp)
    elif config.head == "plain":
        head = PlainHead(channels, backbone.head_bias)
    else:
        head = FilterTableHead(regions, channels, config.blend)
    net = RegistrationNet(config, backbone, head)
    return net.eval().requires_grad_(False)


def freeze(net: RegistrationNet, regions: int | None = None) -> RegistrationNet:
    """The run-time twin of a trained network: same displacements, the MLP folded into the table.

    Args:
        net: Trained.
        regions: How many regions, from the first on, the twin knows; all where None.
    """
    # Copies: freezing shared parts would end the training of `net`.
    head = (
        FilterTableHead.from_text_head(net.head, regions)
        if isinstance(net.head, TextHead)
        else deepcopy(net.head)
    )
    frozen = RegistrationNet(net.config, deepcopy(net.backbone), head)
    return frozen.to(next(net.parameters()).device).eval().requires_grad_(False)
