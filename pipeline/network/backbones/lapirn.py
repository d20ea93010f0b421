"""LapIRN: three levels of a pyramid, each adding to the field of the coarser ones (Mok and Chung 2020)."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from pipeline.machine.device import mixed_precision
from pipeline.network.backbones.backbone import Features, Pyramid
from pipeline.network.backbones.convolution import Conv3, he_start
from pipeline.network.gradients import resized
from pipeline.network.warp import integrate, warp
from pipeline.typing import Float, Tensor

__all__ = ["LapIRN"]

LEVELS = 3
BLOCKS = 5
LEAK = 0.2
RANGE_NORM = 0.4
"""The most that one level adds to the field, in the authors' units; see `_voxels`."""
HEAD_START_STD = 1e-3
"""Of the last layers of the coarser levels: they begin near the identity, as the project's heads do."""
MAP_START = 0.1
"""Scale of a level's map at the start. Heads speak in units of half an image side: with maps of size one they
would begin with voxels of random displacement, and every step of the optimizer would be one of voxels."""


class _Reached(NamedTuple):
    """What the levels up to one of them have come to."""

    map: Float[Tensor, "B C U V W"]
    coarse: Float[Tensor, "B 3 U V W"] | None
    """The field of the levels below, on this one's grid."""
    field_norm: Float[Tensor, "B 3 U V W"] | None
    """The field with this level's own part, where it has a head."""


class LapIRN(Pyramid):
    """Feature map of (moving, fixed) at the finest level, beside the field of the two coarser ones.

    The finest level's last convolution is the project's head; the plain one makes it the published network.

    Args:
        start_channels: a quarter of each level's width c; C2 = c.
        integration_steps: 0 is the published `disp` variant, whose levels add displacements. More are the
            `diff` variant: levels add velocities, integrated in so many squarings (7 in the paper) wherever
            images are warped.

    References:
        Mok and Chung 2020, https://arxiv.org/abs/2006.16148
    """

    stride = 1
    size_multiple = 8
    # 30,000, 30,000 and 60,000 iterations; coarser levels rest for 2000, as in the authors' training script.
    stage_shares = (0.25, 0.25, 0.5)
    resting_share = 1 / 15

    def __init__(self, start_channels: int, integration_steps: int = 0) -> None:
        super().__init__()
        width = 4 * start_channels
        self.out_channels = width
        self.integration_steps = integration_steps
        # Images, and from the second level on the field so far.
        self.levels = nn.ModuleList(
            _Level(2 if level == 0 else 5, width, has_head=level < LEVELS - 1) for level in range(LEVELS)
        )

    def extra_repr(self) -> str:
        """Returns the settings of every backbone, and how the levels' fields are integrated."""
        return f"{super().extra_repr()}, integration_steps={self.integration_steps}"

    def forward(self, moving: Float[Tensor, "B 1 X Y Z"], fixed: Float[Tensor, "B 1 X Y Z"]) -> Features:
        """F of the finest level; `coarse` is the field of the others on its grid, in the authors' units."""
        reached = self._run(moving, fixed, LEVELS - 1)
        return Features(reached.map, reached.coarse)

    def coarse_field(
        self, moving: Float[Tensor, "B 1 X Y Z"], fixed: Float[Tensor, "B 1 X Y Z"], level: int
    ) -> Float[Tensor, "B 3 U V W"]:
        """The field after `level`, on its grid of a quarter or half the size, in voxels of the input grid.

        Raises:
            ValueError: it is the finest level, whose head is the project's.
        """
        *_, field_norm = self._run(moving, fixed, level)
        if field_norm is None:
            raise ValueError(f"level {level} has no head of its own")
        return _voxels(field_norm, fixed.shape[2:])

    def decode(self, response: Float[Tensor, "B 3 U V W"], features: Features) -> Float[Tensor, "B 3 P Q R"]:
        """The finest level's softsign and range, added to the coarser levels' field, in voxels."""
        return _voxels(_added(features.coarse, response), response.shape[2:])

    def _run(
        self, moving: Float[Tensor, "B 1 X Y Z"], fixed: Float[Tensor, "B 1 X Y Z"], last: int
    ) -> _Reached:
        """The levels up to `last`."""
        embedding, field_norm, coarse = None, None, None
        for number, level in enumerate(self.levels[: last + 1]):
            a, b = (_halved(image, LEVELS - 1 - number) for image in (moving, fixed))
            if field_norm is None:
                inputs = torch.cat([a, b], dim=1)
            else:
                coarse = _doubled(field_norm)
                # As by the authors, the integral is taken where the field is, then brought to the finer grid.
                moves = _doubled(self._displacement_norm(field_norm))
                warped = warp(a, _voxels(moves, a.shape[2:]), padding="border")
                inputs = torch.cat([warped, b, coarse], dim=1)
            level_map, embedding, response = level(inputs, embedding)
            field_norm = None if response is None else _added(coarse, response)
        return _Reached(level_map, coarse, field_norm)

    def _displacement_norm(self, field_norm: Float[Tensor, "B 3 U V W"]) -> Float[Tensor, "B 3 U V W"]:
        if self.integration_steps == 0:
            return field_norm
        shape = field_norm.shape[2:]
        return _normalised(integrate(_voxels(field_norm, shape), self.integration_steps), shape)


class _Level(nn.Module):
    """An encoder of one stride, residual blocks at its bottom, a skip connection across; without biases."""

    def __init__(self, inputs: int, width: int, *, has_head: bool) -> None:
        super().__init__()
        self.encode = nn.Sequential(_conv(inputs, width), nn.LeakyReLU(LEAK), _conv(width, width))
        self.down = _conv(width, width, stride=2)
        self.blocks = nn.Sequential(*(_PreActivationBlock(width) for _ in range(BLOCKS)))
        self.up = nn.ConvTranspose3d(width, width, 2, stride=2, bias=False)
        he_start(self.up, width, LEAK)
        self.merge = nn.Sequential(_conv(2 * width, width, scale=MAP_START), nn.LeakyReLU(LEAK))
        self.head = Conv3(width, 3, bias=False) if has_head else None
        if self.head is not None:
            nn.init.normal_(self.head.weight, std=HEAD_START_STD)

    def forward(
        self, inputs: Float[Tensor, "B I U V W"], coarser: Float[Tensor, "B C P Q R"] | None
    ) -> tuple[Float[Tensor, "B C U V W"], Float[Tensor, "B C U V W"], Float[Tensor, "B 3 U V W"] | None]:
        """The level's map, its embedding for the next level to take in, and the response of its own head."""
        skip = self.encode(inputs)
        deep = self.down(skip)
        if coarser is not None:
            deep = deep + coarser
        embedding = self.up(self.blocks(deep))
        level_map = self.merge(torch.cat([embedding, skip], dim=1))
        if self.head is None:
            return level_map, embedding, None
        # As with the project's heads, coordinates stay in float32.
        with mixed_precision(level_map.device, torch.float32):
            return level_map, embedding, self.head(level_map.float())


class _PreActivationBlock(nn.Module):
    """lrelu(x + conv(lrelu(conv(lrelu(x)))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width)
        # The blocks add up: together they shall add about what comes in.
        self.second = _conv(width, width, scale=BLOCKS**-0.5)

    def forward(self, x: Float[Tensor, "B C X Y Z"]) -> Float[Tensor, "B C X Y Z"]:
        inside = self.first(F.leaky_relu(x, LEAK))
        return F.leaky_relu(x + self.second(F.leaky_relu(inside, LEAK)), LEAK)


def _conv(c_in: int, c_out: int, stride: int = 1, scale: float = 1.0) -> Conv3:
    """Without bias, starting with outputs `scale` times as large as its inputs."""
    conv = Conv3(c_in, c_out, stride, bias=False)
    he_start(conv, 27 * c_in, LEAK)
    with torch.no_grad():
        conv.weight *= scale
    return conv


def _added(
    coarse: Float[Tensor, "B 3 X Y Z"] | None, response: Float[Tensor, "B 3 X Y Z"]
) -> Float[Tensor, "B 3 X Y Z"]:
    """The field with what a level's head says, within that level's range."""
    own = RANGE_NORM * F.softsign(response)
    return own if coarse is None else coarse + own


def _halved(image: Float[Tensor, "B 1 X Y Z"], times: int) -> Float[Tensor, "B 1 U V W"]:
    for _ in range(times):
        image = F.avg_pool3d(image, 3, stride=2, padding=1, count_include_pad=False)
    return image


def _doubled(field_norm: Float[Tensor, "B 3 U V W"]) -> Float[Tensor, "B 3 X Y Z"]:
    """On the grid twice as fine; the authors' units need no factor."""
    return resized(field_norm, tuple(2 * side for side in field_norm.shape[2:]))


def _voxels(
    field_norm: Float[Tensor, "B 3 U V W"], shape: torch.Size | tuple[int, ...]
) -> Float[Tensor, "B 3 U V W"]:
    """A field in the authors' units in voxels of a grid of `shape`, components along the array axes.

    The authors count -1..1 from the first to the last voxel centre, and their components
    run along the last, the middle and the first array axis, as `grid_sample` has them.
    """
    return field_norm.flip(1) * _voxels_per_norm(shape, field_norm)


def _normalised(
    field_vox: Float[Tensor, "B 3 U V W"], shape: torch.Size | tuple[int, ...]
) -> Float[Tensor, "B 3 U V W"]:
    """The inverse of `_voxels`."""
    return (field_vox / _voxels_per_norm(shape, field_vox)).flip(1)


def _voxels_per_norm(shape: torch.Size | tuple[int, ...], like: Tensor) -> Float[Tensor, "1 3 1 1 1"]:
    # A side of one voxel has only position 0; any finite scale does.
    last = torch.tensor([max(side - 1, 1) for side in shape], device=like.device, dtype=like.dtype)
    return last.view(1, 3, 1, 1, 1) / 2
