# mypy: allow-untyped-calls
"""The voxels behind a header, read a slab at a time and no further than it declares."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from nibabel.arrayproxy import ArrayProxy

from pairs.errors import CorruptVolume
from pairs.images.header import StoredArray

__all__ = ["read_float32", "slabs"]

_SLAB_VOXELS = 2**19
_MAX_TRAILING_BYTES = 2**20


def slabs(stream: BinaryIO, stored: StoredArray) -> Iterator[tuple[tuple[int | slice, ...], np.ndarray]]:
    """Yields (index, scaled voxels) in the order of the file, a few planes at a time.

    Only as many bytes are decompressed as the header declares, and only one slab is ever held in the type
    that nibabel scales to (float64).
    """
    spec = (stored.shape, stored.dtype, stored.offset, stored.slope, stored.intercept)
    voxels = ArrayProxy(stream, spec, mmap=False)
    size_x, size_y, size_z = stored.shape[:3]
    planes = max(1, _SLAB_VOXELS // (size_x * size_y))
    for frame in np.ndindex(stored.shape[3:]):
        for start in range(0, size_z, planes):
            index = (slice(None), slice(None), slice(start, min(start + planes, size_z)), *frame)
            try:
                slab = np.asanyarray(voxels[index])
            except gzip.BadGzipFile:
                raise
            except (OSError, ValueError) as error:
                # nibabel reports a short read as either, depending on the part that is asked for.
                raise CorruptVolume(
                    "volume holds fewer voxels than its header declares",
                    where=stored.header.path,
                    expected=stored.shape,
                    remedy="copy or download it again",
                ) from error
            yield index, slab
    _drain(stream, stored.header.path)


def _drain(stream: BinaryIO, path: Path) -> None:
    """Reads a gzip file to its end, where its checksum is compared; refuses one that keeps expanding."""
    if isinstance(stream, gzip.GzipFile) and len(stream.read(_MAX_TRAILING_BYTES + 1)) > _MAX_TRAILING_BYTES:
        raise CorruptVolume(
            "file expands to more than its header declares",
            where=path,
            expected=f"up to {_MAX_TRAILING_BYTES} bytes after the voxels",
        )


def read_float32(stream: BinaryIO, stored: StoredArray) -> np.ndarray:
    """Reads all voxels as float32; what does not fit is infinite."""
    array = np.empty(stored.shape, dtype=np.float32)
    # A double beyond float32 becomes infinite and is then treated as any other infinite voxel.
    with np.errstate(over="ignore", invalid="ignore"):
        for index, slab in slabs(stream, stored):
            array[index] = slab
    return array
