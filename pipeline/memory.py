"""Memory that cannot be had, on the device or beside it, told as a known error."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pairs.errors import VolumeError

__all__ = ["TooLittleMemory", "as_shortage", "shortage_told"]


class TooLittleMemory(VolumeError):
    """A network or a pair too large for the device."""

    code = "memory"


def as_shortage(error: Exception, what: str) -> TooLittleMemory | None:
    """The known error for one that means too little memory; None for any other.

    Args:
        error: Of Python or torch.
        what: What there is too little memory for.
    """
    if isinstance(error, TooLittleMemory):
        return error
    # torch has no class of its own for host memory that cannot be had.
    if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "DefaultCPUAllocator" not in str(
        error
    ):
        return None
    remedy = "crop the images, or use --device cpu where the GPU is too small"
    return TooLittleMemory(f"too little memory for {what}", got=error, remedy=remedy)


@contextmanager
def shortage_told(what: str) -> Iterator[None]:
    """Within it, too little memory is a known error.

    Args:
        what: What is being made.

    Raises:
        TooLittleMemory: so it is.
    """
    try:
        yield
    except Exception as error:
        shortage = as_shortage(error, what)
        if shortage is None or shortage is error:
            raise
        raise shortage from error
