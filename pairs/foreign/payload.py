"""The voxels of a field file, read as far as its header declares and no further."""

import gzip
import lzma
import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from pairs.errors import DisplacementError, NonFiniteDisplacement

__all__ = ["damage_told", "field_array", "inflated", "read_exactly", "require_components", "require_sides"]

_BLOCK_BYTES = 1 << 20
# zlib's word for: a zlib or a gzip header, whichever is there.
_ANY_HEADER = zlib.MAX_WBITS | 32
_DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    ArithmeticError,
    MemoryError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
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
        reason = str(error) or type(error).__name__
        raise DisplacementError("displacement file cannot be read", where=path, got=reason) from error


def require_components(path: Path, components: int) -> None:
    """Refuses a file whose voxels have not three components.

    Raises:
        DisplacementError: If there are more or fewer.
    """
    if components != 3:
        raise DisplacementError(
            "not a displacement field", where=path, expected="three components per voxel", got=components
        )


def require_sides(path: Path, sides: Sequence[int], max_voxels: int) -> tuple[int, int, int]:
    """Returns the three sides of a declared grid, unless it is impossible or too large to be taken in.

    Raises:
        DisplacementError: If there are not three positive sides, or more than `max_voxels` voxels.
    """
    if len(sides) != 3 or min(sides) < 1:
        raise DisplacementError(
            "not a displacement field", where=path, expected="three sides", got=tuple(sides)
        )
    if math.prod(sides) > max_voxels:
        raise DisplacementError(
            "displacement field is too large for its fixed image",
            where=path,
            expected=f"up to {max_voxels} voxels",
            got=tuple(sides),
        )
    return (sides[0], sides[1], sides[2])


def read_exactly(stream: IO[bytes] | gzip.GzipFile, size: int) -> bytes:
    """Reads what is left of a stream, which must be `size` bytes.

    Raises:
        EOFError: If there is less.
        ValueError: If there is more.
    """
    data = stream.read(size)
    if len(data) != size:
        raise EOFError(f"ends after {len(data)} of {size} declared bytes")
    # A gzip stream compares its checksum only when its end is met.
    if stream.read(1):
        raise ValueError("more data than the header declares")
    return data


def inflated(stream: IO[bytes], size: int) -> bytes:
    """Decompresses what is left of a stream, zlib or gzip, which must give `size` bytes; never more is made.

    Raises:
        EOFError: If there is less.
        ValueError: If there is more.
        zlib.error: If the data is damaged.
    """
    inflater = zlib.decompressobj(_ANY_HEADER)
    data = bytearray()
    while not inflater.eof:
        block = inflater.unconsumed_tail or stream.read(_BLOCK_BYTES)
        if not block:
            raise EOFError(f"ends after {len(data)} of {size} declared bytes")
        # One byte more than is declared is enough to tell that there is too much.
        data += inflater.decompress(block, size + 1 - len(data))
        if len(data) > size:
            raise ValueError("more data than the header declares")
    if len(data) != size:
        raise EOFError(f"ends after {len(data)} of {size} declared bytes")
    return bytes(data)


def field_array(
    path: Path, data: bytes, dtype: np.dtype[Any], sides: tuple[int, int, int], *, channel_first: bool
) -> NDArray[np.float32]:
    """Returns the bytes of a field as (x, y, z, 3) float32.

    Args:
        path: The file, for messages.
        data: The voxels, x fastest but for the components.
        dtype: Number type with its byte order.
        sides: (x, y, z).
        channel_first: Whether the components of a voxel lie together, faster than x; else they are slowest.

    Raises:
        NonFiniteDisplacement: If a component is NaN or infinite.
    """
    shape = (3, *sides) if channel_first else (*sides, 3)
    array = np.frombuffer(data, dtype).reshape(shape, order="F")
    bad = array.size - int(np.count_nonzero(np.isfinite(array)))
    if bad:
        raise NonFiniteDisplacement(
            "displacement field holds NaN or infinity", where=path, got=f"{bad} of {array.size} values"
        )
    # A double beyond float32 becomes infinite, which the conversion to voxels refuses.
    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    return np.moveaxis(single, 0, -1) if channel_first else single
