"""What damaged field files make their readers raise, told as one sentence, and reads of a declared size."""

import gzip
import lzma
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from pairs.errors import DisplacementError
from pairs.standin import file_stand_in

__all__ = ["damage_told", "read_exactly"]

_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    # zipfile: members that are encrypted or compressed in a way it does not know.
    RuntimeError,
    # numpy and nibabel: headers that are no headers.
    ValueError,
    ArithmeticError,
    SyntaxError,
    tokenize.TokenError,
    MemoryError,
    struct.error,
    HeaderDataError,
    WrapStructError,
)


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """Turns whatever a damaged file makes the block raise into one sentence.

    Raises:
        DisplacementError: If the file is missing, or the block met damage.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise DisplacementError("displacement field missing", where=error.filename or path) from error
    except _DAMAGED as error:
        found = file_stand_in(path)
        reason, remedy = (str(error) or type(error).__name__, None) if found is None else found
        raise DisplacementError(
            "displacement file cannot be read", where=path, got=reason, remedy=remedy
        ) from error


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
