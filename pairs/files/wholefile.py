"""Files and folders that are whole or absent: written under a temporary name beside it, then renamed."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pairs.errors import KnownError, OutputError
from pairs.files.regularfile import NotRegularFile, require_regular
from pairs.files.temporary import locked_temporary, sweep_temporaries

__all__ = ["probe_file", "probe_writable", "whole_file", "whole_folder", "write_json"]


def _full_suffix(path: Path) -> str:
    return ".nii.gz" if path.name.lower().endswith(".nii.gz") else path.suffix


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _output_error(path: Path, error: OSError) -> KnownError:
    return OutputError("cannot write", where=path, got=error.strerror or str(error))


# What is in them stands for devices and open streams, links such as /dev/stdout too.
_SYSTEM = (Path("/dev"), Path("/proc"), Path("/sys"))
_DEV_SHM = Path("/dev/shm")  # Memory for files of users.


def _require_replaceable(path: Path) -> None:
    """Refuses what a file must not take the place of: a device, a pipe, a socket, a folder.

    A symlink is looked at where it ends, and may end nowhere.
    """
    try:
        with suppress(FileNotFoundError):
            require_regular(path)
        folder = path.absolute().parent.resolve()
    except NotRegularFile as error:
        raise OutputError(
            "output is not a regular file",
            where=path,
            got=error.strerror,
            remedy="give the name of a file; for a table on the screen, leave the option out",
        ) from error
    if any(folder.is_relative_to(system) for system in _SYSTEM) and not folder.is_relative_to(_DEV_SHM):
        raise OutputError("output is not a regular file", where=path, got=f"a name in {folder}")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields a temporary path that becomes `path` when the block succeeds and vanishes when it fails.

    It lies in the same folder and keeps the full suffix (`.nii.gz`, `.npz`), because writers choose their
    format by it. A symlink at `path` is replaced, never followed.

    Args:
        path: The final path; its folder must exist.

    Raises:
        OutputError: If the file cannot be written or renamed, including an `OSError` from the block, or if
            there is something of that name that is no regular file.
    """
    try:
        _require_replaceable(path)
        with locked_temporary(path.parent, _full_suffix(path)) as temporary:
            yield temporary
            _sync(temporary)
            temporary.replace(path)
            # The rename is atomic without this; some network file systems refuse to sync a folder.
            with suppress(OSError):
                _sync(path.parent)
    except OSError as error:
        raise _output_error(path, error) from error


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yields a temporary folder that becomes `path` when the block succeeds and vanishes when it fails.

    Args:
        path: The final path, absent or an empty folder; its folder must exist.

    Raises:
        OutputError: If the folder cannot be made or renamed, including an `OSError` from the block.
    """
    try:
        with locked_temporary(path.absolute().parent, "", is_folder=True) as temporary:
            yield temporary
            if path.exists():
                path.rmdir()
            temporary.rename(path)
    except OSError as error:
        raise _output_error(path, error) from error


def write_json(path: Path, document: object, *, strict: bool = True) -> None:
    """Writes a JSON document, indented by 2, in the order of its keys.

    Args:
        path: The final path; its folder must exist.
        document: Anything `json` can express.
        strict: Whether NaN and infinity, which JSON does not have, are refused.

    Raises:
        OutputError: If the file cannot be written, or `strict` and the document holds NaN or infinity.
    """
    try:
        text = json.dumps(document, indent=2, allow_nan=not strict)
    except ValueError as error:
        raise OutputError("document cannot be written as JSON", where=path, got=str(error)) from error
    with whole_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def probe_file(path: Path) -> None:
    """Makes the folder of an output file ready; see `probe_writable`.

    Raises:
        OutputError: If there is something of its name that is no regular file, the name cannot be one, or its
            folder is not writable.
    """
    try:
        _require_replaceable(path)
    except OSError as error:
        raise _output_error(path, error) from error
    probe_writable(path.absolute().parent)


def _obstacle(folder: Path) -> str:
    """What stands where a folder, or one above it, should be."""
    taken = next((path for path in (folder, *folder.parents) if path.exists() or path.is_symlink()), folder)
    if not taken.exists():
        return f"a link that leads nowhere, {taken}"
    return f"a file, {taken}" if taken.is_file() else f"a pipe or a device, {taken}"


def probe_writable(folder: Path) -> None:
    """Makes a folder ready for output, so that a run fails at its start, not its end.

    It is created where absent, a write in it is tried, and what killed runs left there is removed.

    Raises:
        OutputError: If the folder cannot be created or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked_temporary(folder, "") as temporary:
            temporary.write_bytes(b"probe")
    except (FileExistsError, NotADirectoryError) as error:
        raise OutputError(
            "output folder is not a folder",
            where=folder,
            got=_obstacle(folder),
            remedy="give the name of a folder",
        ) from error
    except OSError as error:
        raise OutputError(
            "output folder is not writable",
            where=folder,
            got=error.strerror or str(error),
            remedy="give a writable folder, or run as the user who owns this one",
        ) from error
    sweep_temporaries(folder)
