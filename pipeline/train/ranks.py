"""The processes that train one network together, as one of them sees them."""

from contextlib import AbstractContextManager, nullcontext

import torch

from pipeline.typing import Tensor

__all__ = ["ALONE", "Ranks"]


class Ranks:
    """A process that trains alone: it takes every item, and exchanges nothing.

    The words are those of torch.distributed: the rank is the number of a process. Rank 0 leads: it alone
    validates, shows how far the training is, and writes.

    Attributes:
        rank: of this process.
        count: of the processes.
    """

    def __init__(self, rank: int = 0, count: int = 1) -> None:
        self.rank = rank
        self.count = count

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def share(self, items: range) -> range:
        """Those of the items that this process takes: with `count` processes every `count`-th."""
        return items[self.rank :: self.count]

    def leader_first(self) -> AbstractContextManager[object]:
        """A context that the others enter once the leader has left it; what it keeps on disk serves them."""
        return nullcontext()

    def added(self, losses: dict[str, Tensor], module: torch.nn.Module) -> dict[str, Tensor]:
        """The sums over the processes: of the losses, and, in the module, of its gradients."""
        return losses


ALONE = Ranks()
"""A training of one process."""
