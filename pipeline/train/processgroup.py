"""The ranks of a training of several processes, which add up by torch.distributed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed

from pairs.errors import Stopped
from pipeline.train.ranks import Ranks
from pipeline.typing import Tensor

__all__ = ["ProcessGroup", "joined"]

_PATIENCE = timedelta(weeks=3)
"""How long a process waits for the others, such as for a validation: in effect for ever. A process that dies
is noticed otherwise. Milliseconds of more than 24 days would not fit into 32 bits."""


class ProcessGroup(Ranks):
    """One of the processes of torch's default group."""

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """See `Ranks.leader_first`."""
        if not self.leads:
            self._meet()
        yield
        if self.leads:
            self._meet()

    def added(self, losses: dict[str, Tensor], module: torch.nn.Module) -> dict[str, Tensor]:
        """See `Ranks.added`.

        A parameter without a gradient is left without: which ones those are follows from the step alone (see
        `stages`), so that every process leaves out the same.
        """
        gradients = [one.grad for one in module.parameters() if one.grad is not None]
        # In one piece: messages cost more than bytes.
        whole = torch.cat([part.flatten() for part in (*gradients, *losses.values())])
        self._add(whole)
        *parts, values = whole.split([*(one.numel() for one in gradients), len(losses)])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        return dict(zip(losses, values, strict=True))

    def _meet(self) -> None:
        device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
        self._add(torch.zeros(1, device=device))

    @staticmethod
    def _add(values: Tensor) -> None:
        """Adds up in place; every process gets the same bytes.

        Raises:
            Stopped: one of the others has ended.
        """
        try:
            distributed.all_reduce(values)
        except RuntimeError as error:
            raise Stopped("another process of the training has ended", got=error) from error


@contextmanager
def joined(rank: int, count: int, device: torch.device, meeting: Path) -> Iterator[ProcessGroup]:
    """This process as one of a group: NCCL with a GPU for each of them, or gloo.

    Args:
        rank: of this process.
        count: of the processes, which all call this.
        device: where they train.
        meeting: file on this machine by which they find each other; absent before.
    """
    store = distributed.FileStore(str(meeting), count)
    own = None
    if device.type == "cuda":
        own = torch.device("cuda", rank)
        # From here on "cuda" is this GPU.
        torch.cuda.set_device(own)
    distributed.init_process_group(
        "gloo" if own is None else "nccl",
        store=store,
        rank=rank,
        world_size=count,
        timeout=_PATIENCE,
        device_id=own,
    )
    yield ProcessGroup(rank, count)
    # Not where it ends otherwise: NCCL would wait for a process that is gone.
    distributed.destroy_process_group()
