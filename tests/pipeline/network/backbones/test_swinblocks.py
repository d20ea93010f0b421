"""Swin blocks: who sees whom in windows, shifted windows and padded maps, by where gradients arrive."""

import pytest
import torch
from torch import nn

from pipeline.network.backbones.swinblocks import DropPath, PatchMerging, SwinBlock, WindowAttention

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

Sides = tuple[int, int, int]


def seen_by_each_token(block: nn.Module, sides: Sides, channels: int) -> torch.Tensor:
    """(tokens, tokens) bool: whether the output of a token (row) depends on the input of another (column)."""
    x = torch.randn(1, *sides, channels, dtype=torch.float64, requires_grad=True)
    outputs = block(x).reshape(-1, channels).pow(3).sum(-1)
    rows = [torch.autograd.grad(one, x, retain_graph=True)[0].abs().sum(-1).flatten() for one in outputs]
    return torch.stack(rows) > 0


def window_of(place: torch.Tensor, window: Sides, shift: Sides) -> torch.Tensor:
    """Number of a token's window on the unrolled grid, in which windows begin at `shift`."""
    return (place - torch.tensor(shift)).div(torch.tensor(window), rounding_mode="floor")


@pytest.mark.parametrize(
    ("sides", "window"),
    [
        ((4, 6, 4), (2, 3, 4)),
        ((4, 4, 3), (3, 2, 2)),
        ((2, 3, 4), (3, 3, 6)),
        ((4, 4, 2), (2, 2, 1)),
    ],
    ids=["whole windows", "padded", "one window", "one side of one token"],
)
@pytest.mark.parametrize("shifted", [False, True])
def test_tokens_see_their_window_and_nothing_that_the_shift_wrapped_around(
    sides: Sides, window: Sides, shifted: bool
) -> None:
    """Tokens are neighbours exactly if they share a window of the unrolled grid, cut off at its ends."""
    torch.manual_seed(0)
    block = SwinBlock(4, 2, window, shifted, drop=0.0).double()
    shift = tuple(side // 2 if shifted else 0 for side in window)
    places = torch.cartesian_prod(*map(torch.arange, sides))
    windows = window_of(places, window, shift)
    expected = (windows[:, None] == windows[None]).all(-1)
    assert torch.equal(seen_by_each_token(block, sides, 4), expected)


def test_attention_is_softmax_of_scaled_products_and_position_bias() -> None:
    """One window of four tokens, head by head and token by token."""
    torch.manual_seed(0)
    attention = WindowAttention(6, 2, (2, 1, 2)).double()
    nn.init.normal_(attention.bias_table)
    tokens = torch.randn(4, 6, dtype=torch.float64)
    query, key, value = (attention.qkv.weight @ tokens.T).T.split(6, dim=1)
    mixed = torch.zeros(4, 6, dtype=torch.float64)
    for head in range(2):
        part = slice(3 * head, 3 * head + 3)
        for i in range(4):
            scores = torch.stack([query[i, part] @ key[j, part] / 3**0.5 for j in range(4)])
            scores = scores + attention.bias_table[attention.positions[i], head]
            mixed[i, part] = scores.softmax(0) @ value[:, part]
    expected = mixed @ attention.out.weight.T + attention.out.bias
    assert torch.allclose(attention(tokens[None, None])[0, 0], expected, atol=1e-12)


def test_a_bias_belongs_to_the_difference_of_two_places() -> None:
    window = (2, 3, 4)
    positions = WindowAttention(2, 1, window).positions
    places = torch.cartesian_prod(*map(torch.arange, window))
    rows: dict[tuple[int, ...], set[int]] = {}
    for i, first in enumerate(places):
        for j, second in enumerate(places):
            rows.setdefault(tuple((first - second).tolist()), set()).add(int(positions[i, j]))
    assert all(len(found) == 1 for found in rows.values())
    assert set.union(*rows.values()) == set(range(3 * 5 * 7))


def test_without_attention_and_mlp_a_block_is_the_identity() -> None:
    """Padding, shifting and cutting into windows must bring every token back to its place."""
    block = SwinBlock(4, 2, (2, 3, 2), shifted=True, drop=0.0)
    x = torch.randn(2, 3, 4, 5, 4)
    nn.init.zeros_(block.mlp[-1].weight)
    nn.init.zeros_(block.mlp[-1].bias)
    block.norm1 = nn.Identity()
    block.attention.forward = lambda tokens, apart: tokens
    assert torch.equal(block(x), 2 * x)


def test_merging_joins_each_cube_of_eight() -> None:
    torch.manual_seed(0)
    merging = PatchMerging(2).double()
    x = torch.randn(1, 4, 2, 6, 2, dtype=torch.float64, requires_grad=True)
    merged = merging(x)
    assert merged.shape == (1, 2, 1, 3, 4)
    (gradient,) = torch.autograd.grad(merged[0, 1, 0, 2].pow(3).sum(), x)
    expected = torch.zeros(4, 2, 6, dtype=torch.bool)
    expected[2:, :, 4:] = True
    assert torch.equal((gradient[0] != 0).all(-1), expected)
    assert torch.equal((gradient[0] != 0).any(-1), expected)


def test_stochastic_depth_keeps_or_drops_a_sample_and_the_mean() -> None:
    torch.manual_seed(0)
    drop = DropPath(0.25)
    branch = torch.rand(4000, 1, 2, 3) + 0.5
    factors = drop(branch) / branch
    assert torch.allclose(factors, factors[:, :1, :1, :1].expand_as(factors))
    assert ((factors.unique() - 1 / 0.75).abs() < 1e-5).logical_or(factors.unique() == 0).all()
    assert factors.mean().item() == pytest.approx(1, abs=0.03)
    assert torch.equal(drop.eval()(branch), branch)
