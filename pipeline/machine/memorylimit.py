"""How much memory there is, and whether a piece of work fits into it, asked before the work begins."""

import os
import resource
from pathlib import Path

import torch

from pairs.errors import TooLittleMemory
from pairs.files.regularfile import read_regular
from pairs.process.controlgroups import control_groups, limits_in

__all__ = ["held", "memory_of", "require_memory", "require_room"]

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


def require_room(work: int, what: str, device: torch.device, *, beside: int = 0, afterwards: int = 0) -> None:
    """Refuses work that does not fit on its device, or not beside what this process holds already.

    Args:
        work: Bytes that it takes on the device at its peak.
        what: The work, for the message.
        device: Where the work is done.
        beside: Bytes that it takes in the memory of the machine all the while.
        afterwards: Bytes that it takes there once the work on the device is done.

    Raises:
        TooLittleMemory: The device, the machine or the container has less.
    """
    if device.type == "cuda":
        require_memory(work, what, device)
        work = 0
    require_memory(held() + beside + max(work, afterwards), what)


def held(root: Path = Path("/")) -> int:
    """Bytes that this process holds now; where the kernel does not say, the most that it ever held."""
    try:
        pages = int(read_regular(root / "proc" / "self" / "statm").split()[1])
    except (OSError, ValueError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 2**10
    return pages * os.sysconf("SC_PAGE_SIZE")
