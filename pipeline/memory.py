"""Memory that cannot be had: told in one line, wherever it was asked for."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pairs.errors import KnownError

__all__ = ["TooLittleMemory", "is_too_little_memory", "telling_of_memory"]

# torch has no class of its own for host memory that cannot be had, nor for a GPU that is full from the start.
_WORDS = ("DefaultCPUAllocator", "out of memory")


class TooLittleMemory(KnownError):
    """A pair or a network too large for the device."""

    exit_code = 1
    code = "memory"


def is_too_little_memory(error: BaseException) -> bool:
    """Whether an error means that memory could not be had, on the host or on a GPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _WORDS)


@contextmanager
def telling_of_memory(what: str, where: object, remedy: str) -> Iterator[None]:
    """Turns such an error of the block into a known one.

    Raises:
        TooLittleMemory: memory could not be had.
    """
    try:
        yield
    except Exception as error:
        if not is_too_little_memory(error):
            raise
        raise TooLittleMemory(
            what, where=where, got=f"{type(error).__name__} {error}", remedy=remedy
        ) from error
