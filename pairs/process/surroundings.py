"""Faults of the surroundings, such as a full disk or a closed folder, as known errors."""

import errno
import re
from collections.abc import Callable

from pairs.errors import (
    KnownError,
    OutputError,
    Stopped,
    TooLittleMemory,
    UsageError,
    report_and_exit_code,
)
from pairs.files.regularfile import access_remedy

__all__ = ["exit_code_of", "known_error"]

# A disk or a quota that is full, and a file system that takes nothing.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
# What libraries say that have no class of their own for memory, or threads, that cannot be had.
_NO_MEMORY = re.compile(
    "DefaultCPUAllocator|out of memory|std::bad_alloc|annot allocate memory"
    "|can't start new thread|failed to map segment"
)


def known_error(error: Exception) -> KnownError | None:
    """Returns the known error for a fault of the surroundings, such as a folder that may not be searched.

    Args:
        error: Any error.

    Returns:
        The error itself where it is known already; None where it is a fault of the program.
    """
    if isinstance(error, KnownError):
        return error
    if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
        got = str(error) or None
        return TooLittleMemory("too little memory", got=got, remedy="give more, or crop the images")
    if isinstance(error, OSError):
        fault, got = error.filename, error.strerror or str(error)
        if error.errno in _NO_ROOM:
            return OutputError("cannot write", where=fault, got=got)
        what, remedy = "file or folder cannot be used", access_remedy(error)
        return UsageError(what, where=fault, got=got, remedy=remedy)
    return None


def exit_code_of(command: Callable[[], int]) -> int:
    """Runs a command line's verb; known errors become one line on stderr and their exit code."""
    try:
        return command()
    except KeyboardInterrupt:
        return report_and_exit_code(Stopped("stopped by a signal", remedy="run the same command again"))
    except Exception as error:
        known = known_error(error)
        if known is None:
            raise
        return report_and_exit_code(known)
