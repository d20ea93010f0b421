"""How much memory there is, and whether a piece of work fits into it, asked before the work begins."""

import os
from pathlib import Path

import torch

from pairs.errors import TooLittleMemory
from pairs.process.controlgroups import control_groups, limits_in

__all__ = ["memory_of", "require_memory"]

_CPU = torch.device("cpu")


def memory_of(device: torch.device, root: Path = Path("/")) -> int:
    """Returns the bytes of a device, free or not: of a GPU, or what machine and container give a process.

    Args:
        device: The device.
        root: Where `proc` and `sys` lie.
    """
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    held = [float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))]
    for folder in control_groups(root):
        # Of version 2 and version 1; without a limit, the latter has a number beyond any machine's memory.
        held += limits_in(folder / "memory.max") + limits_in(folder / "memory.limit_in_bytes")
    return int(min(held))


def require_memory(needed: int, what: str, device: torch.device = _CPU) -> None:
    """Refuses work that cannot fit.

    Args:
        needed: Bytes that it takes at its peak.
        what: The work, for the message.
        device: Where it takes them.

    Raises:
        TooLittleMemory: The device, or the container, has less.
    """
    held = memory_of(device)
    if needed > held:
        place = "GPU" if device.type == "cuda" else "machine or its container"
        raise TooLittleMemory(
            f"too little memory for {what}",
            expected=f"about {needed / 2**30:.1f} GiB",
            got=f"{held / 2**30:.1f} GiB on the {place}",
            remedy="give more, or crop or resample the images",
        )
