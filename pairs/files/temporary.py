"""Temporary files and folders beside what they become, locked by their writers, so that leftovers are known.

A writer holds a lock (`flock`) on its temporary, which the kernel takes away when the process ends, however
that comes. Whoever gets the lock has found a leftover. Locks hold between the containers of a machine, but
not on every file system between machines. The name therefore holds the machine, and what another one wrote,
or this one before its last start, is left alone for a day.
"""

import errno
import fcntl
import os
import re
import secrets
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

__all__ = ["locked_temporary", "sweep_temporaries"]

_NAME = re.compile(r"\.partial-(?:(?P<machine>[0-9a-f]{8})-)?[0-9a-f]{12,16}(\.[^/]*)?")
_FOREIGN_S = 24 * 3600.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@contextmanager
def locked_temporary(folder: Path, suffix: str, *, is_folder: bool = False) -> Iterator[Path]:
    """Yields a new hidden file or folder, which no sweep takes; what is left of it in the end is removed.

    Args:
        folder: Where it is made; must exist.
        suffix: End of its name.
        is_folder: Whether it is a folder.

    Raises:
        OSError: If it cannot be made.
    """
    path, lock = _new(folder, suffix, is_folder=is_folder)
    try:
        yield path
    finally:
        _remove(path)
        os.close(lock)


def sweep_temporaries(folder: Path) -> None:
    """Removes the temporaries that killed writers left in a folder; none whose writer still runs.

    Those of other machines, and all on file systems without locks, are removed when their date is more than a
    day away. Files of any other name are never touched.
    """
    machine = _machine()
    with suppress(OSError):
        for path in list(folder.iterdir()):
            name = _NAME.fullmatch(path.name)
            if name is not None:
                # Another process may sweep the same folder at the same time.
                with suppress(OSError):
                    _sweep(path, is_own=name["machine"] == machine)


def _sweep(path: Path, *, is_own: bool) -> None:
    status = path.lstat()
    # A date in the future is no sign of life either.
    is_old = abs(time.time() - status.st_mtime) > _FOREIGN_S
    if not (is_own or is_old) or not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        return
    # Network file systems lock for writing only what is open for it, which folders cannot be.
    access = os.O_RDONLY if stat.S_ISDIR(status.st_mode) else os.O_RDWR
    lock = os.open(path, access | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if _lock(lock, blocking=False, otherwise=is_old):
            _remove(path)
    finally:
        os.close(lock)


def _new(folder: Path, suffix: str, *, is_folder: bool) -> tuple[Path, int]:
    """Makes a temporary and returns it with the descriptor that holds its lock."""
    while True:
        path = folder / f".partial-{_machine()}-{secrets.token_hex(6)}{suffix}"
        # Mode 0o666 lets the umask decide, whereas tempfile would make the result readable by its owner only.
        # O_EXCL refuses a name or symlink planted there.
        if is_folder:
            path.mkdir()
            lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        else:
            lock = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        _lock(lock, blocking=True, otherwise=True)
        # A sweep may have come between making and locking it.
        with suppress(OSError):
            if os.path.samestat(path.lstat(), os.fstat(lock)):
                return path, lock
        os.close(lock)


def _lock(descriptor: int, *, blocking: bool, otherwise: bool) -> bool:
    """Whether the lock could be had; `otherwise` where the file system has none."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if blocking else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        # Network file systems without a lock service, and folders on others.
        if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF):
            return otherwise
        raise
    return True


def _remove(path: Path) -> None:
    with suppress(OSError):
        if stat.S_ISDIR(path.lstat().st_mode):
            shutil.rmtree(path)
        else:
            path.unlink()


def _machine() -> str:
    """Eight digits that all containers of a running kernel share."""
    try:
        text = _BOOT_ID.read_text(encoding="ascii")
    except (OSError, ValueError):
        text = socket.gethostname()
    return sha256(text.encode()).hexdigest()[:8]
