"""A training of a few numbers for nine steps, with losses that draw random numbers, by the loop itself."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from pipeline.train.loop import Plan, item_generator, train

# The fixture; functions are imported by their names.
__all__ = ["plan"]

Losses = Callable[[int], dict[str, torch.Tensor]]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    out = tmp_path / "net.safetensors"
    return Plan(out, steps=9, learning_rate=0.05, power=0.9, validate_every=2, fingerprint="mine")


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.PReLU(), nn.Linear(4, 1))


def noisy_losses(module: nn.Module) -> Losses:
    """Losses that draw random numbers, as pairs and augmentations do."""

    def losses_of(step: int) -> dict[str, torch.Tensor]:
        output = module(torch.randn(5, 3, generator=item_generator(7, step)))
        return {"fit": output.square().mean(), "size": 0.1 * output.abs().mean()}

    return losses_of


def run(plan: Plan) -> nn.Module:
    """The network, trained by the plan from its first weights or from the plan's checkpoint."""
    module = network()
    train(module, plan, noisy_losses(module), lambda: {"dice": 0.5})
    return module


def log_lines(plan: Plan) -> list[dict]:
    return [json.loads(line) for line in plan.metrics.read_text().splitlines()]
