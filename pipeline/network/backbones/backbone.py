"""What every backbone offers: the feature map F of a pair, and the field that a response to F stands for."""

from abc import abstractmethod
from typing import NamedTuple

from torch import nn

from pipeline.typing import Float, Tensor

__all__ = ["Backbone", "Features", "Pyramid"]


class Features(NamedTuple):
    """What a backbone sees in a pair."""

    map: Float[Tensor, "B C2 U V W"]
    """F, the input of the head."""
    coarse: Float[Tensor, "B 3 U V W"] | None = None
    """The field of a pyramid's coarser levels on F's grid, in units that only its `decode` knows."""

    def float(self) -> "Features":
        """The same in float32."""
        return Features(self.map.float(), None if self.coarse is None else self.coarse.float())


class Backbone(nn.Module):
    """A network from (moving, fixed) to F.

    Attributes:
        out_channels: C2, channels of F.
        stride: voxels of the input grid per voxel of F (1, 2 or 4).
        size_multiple: every input side must be a multiple of this.
        head_bias: whether the published network's own last convolution, the plain head, has a bias.
    """

    out_channels: int
    stride: int
    size_multiple: int
    head_bias: bool = False

    def extra_repr(self) -> str:
        """Returns what the head and the caller need to know."""
        return f"channels={self.out_channels}, stride={self.stride}, size_multiple={self.size_multiple}"

    @abstractmethod
    def forward(self, moving: Float[Tensor, "B 1 X Y Z"], fixed: Float[Tensor, "B 1 X Y Z"]) -> Features:
        """F of the pair; images are in 0..1."""

    def decode(self, response: Float[Tensor, "B 3 U V W"], features: Features) -> Float[Tensor, "B 3 P Q R"]:
        """The field that the head's response to F stands for, on any grid between F's and the input's.

        Networks that work in units or an axis order of their own convert here, and here only.

        Returns:
            Components along the array axes, in voxels of the input grid.
        """
        del features
        return response


class Pyramid(Backbone):
    """A backbone whose levels refine each other's field and are trained one after the other, coarsest first.

    Attributes:
        levels: coarsest first. All but the last have a head of their own; the last one's map is F.
        stage_shares: of a training's steps, for each level's stage.
        resting_share: of the first stage's steps, for which coarser levels rest at the start of a stage.
    """

    levels: nn.ModuleList
    stage_shares: tuple[float, ...]
    resting_share: float

    @abstractmethod
    def coarse_field(
        self, moving: Float[Tensor, "B 1 X Y Z"], fixed: Float[Tensor, "B 1 X Y Z"], level: int
    ) -> Float[Tensor, "B 3 U V W"]:
        """The field as it stands after `level`, which is not the last one, on that level's grid.

        Returns:
            Components along the array axes, in voxels of the input grid, in float32.
        """

    def rest(self, count: int) -> None:
        """Let the `count` coarsest levels keep their weights in training, and the others learn."""
        for number, level in enumerate(self.levels):
            level.requires_grad_(number >= count)
