"""Swin transformer blocks in 3D (Liu et al. 2021): attention in windows that shift from block to block."""

from collections.abc import Sequence
from math import prod

import torch
import torch.nn.functional as F
from torch import nn

from pipeline.typing import Bool, Float, Int, Shaped, Tensor

__all__ = ["DropPath", "PatchMerging", "SwinBlock", "Window", "WindowAttention"]

Window = tuple[int, int, int]
"""Sides of an attention window, in tokens."""

MLP_RATIO = 4
BIAS_STD = 0.02


class DropPath(nn.Module):
    """Stochastic depth (Huang et al. 2016): in training, a share `rate` of the samples lacks the branch."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, branch: Float[Tensor, "B ..."]) -> Float[Tensor, "B ..."]:
        """The branch, scaled so that its mean over the draws is the branch itself."""
        if not self.training or self.rate == 0:
            return branch
        keep = 1 - self.rate
        kept = branch.new_empty(branch.shape[0], *[1] * (branch.ndim - 1)).bernoulli_(keep)
        return branch * kept / keep


class WindowAttention(nn.Module):
    """Multi-head self-attention inside each window, with a learned bias for every relative position.

    Args:
        channels: of the tokens; divides by `heads`.
        heads: attention heads.
        window: its sides.
    """

    def __init__(self, channels: int, heads: int, window: Window) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels, bias=False)
        self.out = nn.Linear(channels, channels)
        self.bias_table = nn.Parameter(torch.empty(prod(2 * side - 1 for side in window), heads))
        nn.init.trunc_normal_(self.bias_table, std=BIAS_STD)
        self.positions: Tensor
        self.register_buffer("positions", _relative_positions(window), persistent=False)

    def forward(
        self, tokens: Float[Tensor, "B W N C"], apart: Bool[Tensor, "W N N"] | None = None
    ) -> Float[Tensor, "B W N C"]:
        """Every token as a mean over its window, without the tokens that `apart` keeps from it."""
        query, key, value = self.qkv(tokens).unflatten(-1, (3, self.heads, -1)).permute(3, 0, 1, 4, 2, 5)
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
        scores = scores + self.bias_table[self.positions].permute(2, 0, 1)
        if apart is not None:
            scores = scores.masked_fill(apart[:, None], float("-inf"))
        return self.out((scores.softmax(-1) @ value).transpose(2, 3).flatten(3))


class SwinBlock(nn.Module):
    """Window attention and an MLP, each after a layer norm and beside a shortcut.

    Args:
        channels: of the tokens.
        heads: attention heads.
        window: its sides.
        shifted: whether the windows lie half a window further along every axis.
        drop: rate of the stochastic depth.
    """

    def __init__(self, channels: int, heads: int, window: Window, shifted: bool, drop: float) -> None:
        super().__init__()
        self.window = window
        self.shift = tuple(side // 2 for side in window) if shifted else (0, 0, 0)
        self.norm1 = nn.LayerNorm(channels)
        self.attention = WindowAttention(channels, heads, window)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = nn.Sequential(
            nn.Linear(channels, MLP_RATIO * channels), nn.GELU(), nn.Linear(MLP_RATIO * channels, channels)
        )
        self.drop = DropPath(drop)

    def forward(self, x: Float[Tensor, "B X Y Z C"]) -> Float[Tensor, "B X Y Z C"]:
        """The block's output; sides need not divide by the window's."""
        x = x + self.drop(self._attended(self.norm1(x)))
        return x + self.drop(self.mlp(self.norm2(x)))

    def _attended(self, x: Float[Tensor, "B X Y Z C"]) -> Float[Tensor, "B X Y Z C"]:
        x_side, y_side, z_side = x.shape[1:4]
        padding = [-side % size for side, size in zip(x.shape[1:4], self.window, strict=True)]
        # Zeros behind the last token, which are tokens like all others, as in Swin.
        x = F.pad(x, [0, 0, 0, padding[2], 0, padding[1], 0, padding[0]])
        sides, apart = x.shape[1:4], None
        if any(self.shift):
            x = x.roll([-step for step in self.shift], dims=(1, 2, 3))
            apart = _apart(sides, self.window, self.shift, x.device)
        tokens = self.attention(_windows(x, self.window), apart)
        x = _from_windows(tokens, self.window, sides).roll(self.shift, dims=(1, 2, 3))
        return x[:, :x_side, :y_side, :z_side]


class PatchMerging(nn.Module):
    """Halves the sides and doubles the channels: layer norm and linear map of eight neighbours."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8 * channels)
        self.reduction = nn.Linear(8 * channels, 2 * channels, bias=False)

    def forward(self, x: Float[Tensor, "B X Y Z C"]) -> Float[Tensor, "B U V W D"]:
        """The merged tokens; all sides must be even."""
        batch, *sides, channels = x.shape
        halves = [side // 2 for side in sides]
        neighbours = _windows(x, (2, 2, 2)).reshape(batch, *halves, 8 * channels)
        return self.reduction(self.norm(neighbours))


def _windows(x: Shaped[Tensor, "B X Y Z C"], window: Window) -> Shaped[Tensor, "B W N C"]:
    """The tokens of every window."""
    for axis, side in zip((1, 3, 5), window, strict=True):
        x = x.unflatten(axis, (-1, side))
    return x.permute(0, 1, 3, 5, 2, 4, 6, 7).flatten(4, 6).flatten(1, 3)


def _from_windows(
    tokens: Float[Tensor, "B W N C"], window: Window, sides: Sequence[int]
) -> Float[Tensor, "B X Y Z C"]:
    """The inverse of `_windows`."""
    counts = [side // size for side, size in zip(sides, window, strict=True)]
    x = tokens.unflatten(2, window).unflatten(1, counts)
    return x.permute(0, 1, 4, 2, 5, 3, 6, 7).flatten(5, 6).flatten(3, 4).flatten(1, 2)


def _apart(
    sides: Sequence[int], window: Window, shift: Sequence[int], device: torch.device
) -> Bool[Tensor, "W N N"]:
    """Which tokens of a window are no neighbours: the shift brought one of them over from the other end."""
    region = torch.zeros(tuple(sides), dtype=torch.uint8, device=device)
    for axis, (side, step) in enumerate(zip(sides, shift, strict=True)):
        brought = torch.arange(side, device=device) >= side - step
        region = 2 * region + brought.view([-1 if other == axis else 1 for other in range(3)])
    regions = _windows(region[None, ..., None], window)[0, :, :, 0]
    return regions[:, :, None] != regions[:, None]


def _relative_positions(window: Window) -> Int[Tensor, "N N"]:
    """Row of the bias table for every pair of tokens: one row for each difference of their places."""
    places = torch.cartesian_prod(*(torch.arange(side) for side in window))
    index = torch.zeros(len(places), len(places), dtype=torch.int64)
    for axis, side in enumerate(window):
        difference = places[:, None, axis] - places[None, :, axis]
        index = index * (2 * side - 1) + difference + side - 1
    return index
