"""The moving average of a network's weights over its training, which is steadier than the last of them."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pipeline.typing import Tensor

__all__ = ["Average"]

WARM_UP = 10
"""The average is a plain one at first, so that it forgets the weights that the training began with."""


class Average:
    """Exponential moving average of the parameters; what a network is trained to and validated with.

    Args:
        module: whose parameters.
        decay: share of the average that a step leaves; 0 is no average, the weights themselves.

    Attributes:
        values: the average by the parameter's name; empty where there is none.
    """

    def __init__(self, module: torch.nn.Module, decay: float) -> None:
        self.module = module
        self.decay = decay
        self.values = {name: p.detach().clone() for name, p in module.named_parameters()} if decay else {}

    @torch.no_grad()
    def update(self, steps: int) -> None:
        """Take the parameters in, after so many steps of the training."""
        decay = min(self.decay, steps / (steps + WARM_UP))
        for name, parameter in self.module.named_parameters():
            if name in self.values:
                self.values[name].lerp_(parameter.detach(), 1 - decay)

    def load(self, values: dict[str, Tensor]) -> None:
        """Go on from an average that was kept; its names and shapes are the parameters' own."""
        for name, kept in self.values.items():
            kept.copy_(values[name])

    @torch.no_grad()
    def settle(self) -> None:
        """Give the module the average for its weights."""
        for name, parameter in self.module.named_parameters():
            if name in self.values:
                parameter.copy_(self.values[name])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The module with the average for its weights, and with its own again afterwards."""
        parameters = dict(self.module.named_parameters())
        own = {name: parameters[name].detach().clone() for name in self.values}
        self.settle()
        try:
            yield
        finally:
            with torch.no_grad():
                for name, value in own.items():
                    parameters[name].copy_(value)
