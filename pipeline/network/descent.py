"""Gradient descent on the few numbers of one pair.

Our own, because torch's optimizers import a compiler when the first one is made, which takes a second.
"""

from collections.abc import Sequence

import torch

from pipeline.typing import Float, Tensor

__all__ = ["Adam"]

_LEAST = 1e-8


class Adam:
    """Steps down a slope, each number's as long as its slope is steady.

    Args:
        parameters: Tensors that require gradients; changed in place.
        moments: Decay rates of the mean of the slope and of its square.

    References:
        Kingma and Ba 2015, Algorithm 1, https://arxiv.org/abs/1412.6980
    """

    def __init__(self, parameters: Sequence[Tensor], moments: tuple[float, float] = (0.9, 0.999)) -> None:
        self.parameters = tuple(parameters)
        self.moments = moments
        self._means = [torch.zeros_like(one) for one in self.parameters]
        self._squares = [torch.zeros_like(one) for one in self.parameters]
        self._number = 0

    @torch.no_grad()
    def step(self, loss: Float[Tensor, ""], rate: float) -> None:
        """One step down the slope of a loss, of about `rate` for each number."""
        self._number += 1
        of_mean, of_square = self.moments
        length = rate / (1 - of_mean**self._number)
        unbiased = (1 - of_square**self._number) ** 0.5
        slopes = torch.autograd.grad(loss, self.parameters)
        for one, slope, mean, square in zip(self.parameters, slopes, self._means, self._squares, strict=True):
            mean.lerp_(slope, 1 - of_mean)
            square.mul_(of_square).addcmul_(slope, slope, value=1 - of_square)
            one.addcdiv_(mean, square.sqrt().div_(unbiased).add_(_LEAST), value=-length)
