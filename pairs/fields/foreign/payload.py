"""The voxels of a field file, read as far as its header declares and no further."""

import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pairs.errors import DisplacementError, NonFiniteDisplacement

__all__ = ["field_array", "inflated", "require_components", "require_sides"]

_BLOCK_BYTES = 1 << 20
# zlib's word for: a zlib or a gzip header, whichever is there.
_ANY_HEADER = zlib.MAX_WBITS | 32


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
