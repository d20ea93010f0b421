"""Damaged files: whatever their readers raise, reported in one sentence, and reads of a declared size."""

import gzip
import logging
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pairs.errors import DisplacementError, KnownError
from pairs.files.standin import file_stand_in

__all__ = ["damage_reported", "read_exactly", "reason_of"]

log = logging.getLogger(__name__)

# What says by itself that the file is to blame; the message of any other exception needs its name beside it.
_SELF_EXPLAINING = (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error)


@contextmanager
def damage_reported(
    path: Path, noun: str = "displacement file", error_type: type[KnownError] = DisplacementError
) -> Iterator[None]:
    """Turns whatever a damaged file makes its reader raise into one sentence.

    Only what reads the file belongs into the block: a fault of the program there is reported as damage
    too, with its traceback in the log at level DEBUG.

    Args:
        path: The file.
        noun: What it is, as the sentence begins.
        error_type: What is raised.

    Raises:
        KnownError: Of `error_type` if the file is missing or the block met damage; others pass through.
    """
    try:
        yield
    except KnownError:
        raise
    except FileNotFoundError as error:
        raise error_type(f"{noun} is missing", where=error.filename or path) from error
    # Every kind: zipfile, zlib, numpy, nibabel and torch raise whatever they trip over, such as IndexError,
    # TypeError, struct.error, tokenize.TokenError or AssertionError. No list of them was ever complete.
    except Exception as error:
        log.debug("%s %s", noun, path, exc_info=error)
        found = file_stand_in(path)
        got, remedy = (reason_of(error), None) if found is None else found
        raise error_type(f"{noun} cannot be read", where=path, got=got, remedy=remedy) from error


def reason_of(error: Exception) -> str:
    """What an exception says, with its name where that does not say that a file is to blame."""
    name, text = type(error).__name__, str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, _SELF_EXPLAINING) and text:
        return text
    return f"{name}: {text}" if text else name


def read_exactly(stream: IO[bytes] | gzip.GzipFile, size: int, *, to_the_end: bool = True) -> bytes:
    """Reads `size` bytes of a stream.

    Args:
        stream: What to read.
        size: What the header declares.
        to_the_end: Whether nothing may follow; only at the end does a gzip or zip stream
            compare its checksum.

    Raises:
        EOFError: If there is less.
        ValueError: If there is more than there may be.
    """
    data = stream.read(size)
    if len(data) != size:
        raise EOFError(f"ends after {len(data)} of {size} declared bytes")
    if to_the_end and stream.read(1):
        raise ValueError("more data than the header declares")
    return data
