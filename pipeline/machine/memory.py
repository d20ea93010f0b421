"""Too little memory, on the device or beside it, as a known error."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from pairs.errors import TooLittleMemory
from pairs.process.surroundings import known_error

__all__ = ["as_shortage", "shortage_reported"]

_REMEDY = "crop the images"
# The place in torch's sources, which means nothing to users.
_PLACE = re.compile(r"\[enforce fail at [^\]]*\] (err == 0\. )?")


def as_shortage(
    error: Exception, what: str, where: Path | None = None, remedy: str = _REMEDY
) -> TooLittleMemory | None:
    """The known error for one that means too little memory; None for any other.

    Args:
        error: Of Python or torch.
        what: What there is too little memory for.
        where: The file that it is for.
        remedy: What to do; of a GPU's memory also that the CPU can be used.
    """
    known = known_error(error)
    if not isinstance(known, TooLittleMemory):
        return None
    if known is error:
        return known
    got = f"{type(error).__name__} {_PLACE.sub('', str(error))}".strip()
    if isinstance(error, torch.OutOfMemoryError) or "CUDA" in str(error):
        remedy += ", or use --device cpu"
    return TooLittleMemory(f"too little memory for {what}", where=where, got=got, remedy=remedy)


@contextmanager
def shortage_reported(what: str, where: Path | None = None, remedy: str = _REMEDY) -> Iterator[None]:
    """Within it, too little memory is a known error.

    Args:
        what: What is being made.
        where: The file that it is for.
        remedy: What to do.

    Raises:
        TooLittleMemory: there is too little memory.
    """
    try:
        yield
    except Exception as error:
        shortage = as_shortage(error, what, where, remedy)
        if shortage is None or shortage is error:
            raise
        raise shortage from error
