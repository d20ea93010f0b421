"""The door for files from outside: only a regular file is opened, so no pipe or device can hold a run up."""

import errno
import stat
from io import BufferedReader
from pathlib import Path

__all__ = ["NotRegularFile", "open_regular", "read_regular", "require_regular"]

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotRegularFile(OSError):
    """Something of that name that is no file to read; `strerror` says what it is, such as "a named pipe"."""


def require_regular(path: Path) -> None:
    """Refuses what is no regular file, also at the end of a symlink, without opening it.

    Raises:
        NotRegularFile: If it is a folder, a named pipe, a device or a socket.
        OSError: If there is nothing of that name, or it may not be looked at.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        kind = next((word for is_kind, word in _KINDS if is_kind(mode)), "something else")
        raise NotRegularFile(errno.EINVAL, kind, str(path))


def open_regular(path: Path) -> BufferedReader:
    """Opens a regular file for reading; errors as for `require_regular`."""
    require_regular(path)
    return path.open("rb")


def read_regular(path: Path) -> bytes:
    """Reads a regular file as a whole; errors as for `require_regular`."""
    with open_regular(path) as stream:
        return stream.read()
