"""The door for files from outside: only a regular file is opened, so no pipe or device can hold a run up."""

import errno
import stat
from io import BufferedReader
from pathlib import Path

__all__ = [
    "NotRegularFile",
    "access_remedy",
    "is_regular",
    "open_regular",
    "read_regular",
    "require_regular",
]

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


def is_regular(path: Path) -> bool:
    """Says whether there is a regular file that may be looked at; `is_file` raises in a closed folder."""
    try:
        require_regular(path)
    except OSError:
        return False
    return True


def open_regular(path: Path) -> BufferedReader:
    """Opens a regular file for reading; errors as for `require_regular`."""
    require_regular(path)
    return path.open("rb")


def read_regular(path: Path) -> bytes:
    """Reads a regular file as a whole; errors as for `require_regular`."""
    with open_regular(path) as stream:
        return stream.read()


def access_remedy(error: OSError) -> str | None:
    """Says what to do about a file or folder that is closed to the user; None for any other error."""
    if error.errno not in (errno.EACCES, errno.EPERM):
        return None
    return "ask its owner for the right to it, or run as a user who has it"
