"""Files that are whole or absent: written under a temporary name in the same folder, then renamed."""

import contextlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pairs.errors import KnownError, OutputError

__all__ = ["probe_writable", "sweep_temporaries", "whole_file", "write_json"]

_TEMPORARY_NAME = re.compile(r"\.partial-[0-9a-f]{16}(\.[^/]*)?")
_STALE_S = 3600.0


def _new_temporary(folder: Path, suffix: str) -> Path:
    """Creates an empty file under a fresh hidden name; O_EXCL refuses a name or symlink planted there."""
    path = folder / f".partial-{secrets.token_hex(8)}{suffix}"
    # Mode 0o666 lets the umask decide, whereas tempfile would make the result readable by its owner only.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    return path


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


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields a temporary path that becomes `path` when the block succeeds and vanishes when it fails.

    It lies in the same folder and keeps the full suffix (`.nii.gz`, `.npz`), because writers choose their
    format by it. A symlink at `path` is replaced, never followed.

    Args:
        path: The final path; its folder must exist.

    Raises:
        OutputError: If the file cannot be written or renamed, including an `OSError` from the block.
    """
    temporary: Path | None = None
    try:
        temporary = _new_temporary(path.parent, _full_suffix(path))
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        # The rename is atomic without this; some network file systems refuse to sync a folder.
        with contextlib.suppress(OSError):
            _sync(path.parent)
    except OSError as error:
        raise _output_error(path, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


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


def probe_writable(folder: Path) -> None:
    """Creates the folder where absent and tries a write in it, so that a run fails at its start, not its end.

    Raises:
        OutputError: If the folder cannot be created or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = _new_temporary(folder, "")
        try:
            temporary.write_bytes(b"probe")
        finally:
            temporary.unlink()
    except OSError as error:
        raise OutputError(
            "output folder is not writable",
            where=folder,
            got=error.strerror or str(error),
            remedy="give a writable folder, or run as the user who owns this one",
        ) from error


def sweep_temporaries(folder: Path) -> None:
    """Removes temporary files that killed runs left in the folder more than one hour ago.

    Younger ones may belong to a run that is still writing. Files of any other name are never touched.
    """
    oldest_s = time.time() - _STALE_S
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if not _TEMPORARY_NAME.fullmatch(path.name):
            continue
        # Another process may sweep the same folder at the same time.
        with contextlib.suppress(OSError):
            if path.is_file() and not path.is_symlink() and path.stat().st_mtime < oldest_s:
                path.unlink()
