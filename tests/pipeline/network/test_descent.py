"""Our own optimizer, beside torch's."""

import torch

from pipeline.network.descent import Adam

__all__: list[str] = []


def test_steps_are_those_of_torch() -> None:
    """Of two tensors, with a rate that falls, and with a slope that is 0 at first."""
    start = [torch.tensor([3.0, -2.0, 0.0]), torch.tensor([[0.5]])]
    ours, theirs = ([one.clone().requires_grad_() for one in start] for _ in range(2))
    descent, optimizer = Adam(ours, (0.8, 0.95)), torch.optim.Adam(theirs, lr=0.3, betas=(0.8, 0.95))
    for number in range(20):
        rate = 0.3 * (1 - number / 20)
        descent.step(_loss(*ours), rate)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        _loss(*theirs).backward()
        optimizer.step()
    for one, other, first in zip(ours, theirs, start, strict=True):
        assert torch.allclose(one, other, rtol=1e-5, atol=1e-7)
        assert not torch.equal(one, first)


def _loss(vector: torch.Tensor, scalar: torch.Tensor) -> torch.Tensor:
    return (vector**2).sum() * scalar.square().sum() + (scalar - 1).square().sum() + (vector**4).mean()
