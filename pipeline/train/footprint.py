"""Whether a network can be trained on a machine at all, checked before any image is read."""

import torch

from pairs.errors import UsageError
from pipeline.config import RegistrationConfig
from pipeline.machine.memorylimit import memory_of
from pipeline.network.model import build_for_training
from pipeline.typing import Float, Tensor

__all__ = ["require_memory"]

BYTES = 4
COPIES = 5
"""Of every weight: itself, its gradient, and the three moments of AMSGrad."""


def require_memory(
    config: RegistrationConfig,
    embeddings: Float[Tensor, "N C1"] | None,
    device: torch.device,
    processes: int = 1,
) -> None:
    """Refuse a network whose weights alone are more than the machine holds; maps and images come on top.

    Args:
        config: of the network.
        embeddings: what the text head reads.
        device: where it is to be trained.
        processes: how many hold it; each has a GPU of its own, or all share the memory of the machine.

    Raises:
        UsageError: the network does not fit.
    """
    with torch.device("meta"):
        net = build_for_training(config, None if embeddings is None else embeddings.to("meta"))
    needed = COPIES * BYTES * sum(parameter.numel() for parameter in net.parameters())
    needed += sum(buffer.numel() * buffer.element_size() for buffer in net.buffers())
    needed *= processes if device.type == "cpu" else 1
    held = memory_of(device)
    if needed > held:
        raise UsageError(
            "the network is too large to be trained here",
            where=f"{config.backbone} on {device}",
            expected=f"at most {held / 2**30:.1f} GiB",
            got=f"{needed / 2**30:.1f} GiB for the weights and their gradients and moments",
            remedy="make start_channels, mlp_width or window in `registration` smaller",
        )
