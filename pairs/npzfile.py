"""The one array of an npz file, read after a check of its declared size; nothing is unpickled."""

import io
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pairs.damage import read_exactly
from pairs.errors import DisplacementError
from pairs.profile import Layout

__all__ = ["npy_header", "read_npz_array", "write_npz_array"]

_Match = Callable[[tuple[int, ...], np.dtype[Any], str], Layout]


def npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Reads what an array declares of itself: shape, whether the first axis runs fastest, number type.

    Raises:
        ValueError: If this is no header of version 1.0, which holds that of any plain array; later versions
            may declare a header of 4 GiB.
    """
    if npy.read_magic(stream) != (1, 0):
        raise ValueError("array header is not of npy version 1.0")
    shape, fortran_order, dtype = npy.read_array_header_1_0(stream)
    if any(side < 0 for side in shape):
        raise ValueError(f"array header declares the shape {shape}")
    return shape, fortran_order, dtype


def read_npz_array(path: Path, match: _Match, *, header_only: bool = False) -> tuple[Layout, NDArray[Any]]:
    """Reads the array of an npz that holds exactly one.

    Args:
        path: The file.
        match: Gives the layout of a declared shape, number type and name, or raises if there is none; data
            is read only after it has returned.
        header_only: Whether to leave the data alone; the array is then empty.

    Raises:
        DisplacementError: If there is not exactly one array, or `match` raises it.
        ValueError: If the file does not hold what its headers declare, and whatever else damage leads to:
            to be called within `pairs.damage.damage_told`.
    """
    with zipfile.ZipFile(path) as archive:
        member = _only_array(archive, path)
        with archive.open(member) as stream:
            shape, fortran_order, dtype = npy_header(stream)
            layout = match(shape, dtype, member.filename.removesuffix(".npy"))
            size = math.prod(shape) * dtype.itemsize
            if member.file_size != stream.tell() + size:
                raise ValueError(f"member of {member.file_size} bytes declares an array of {size} bytes")
            if header_only:
                return layout, np.empty(0)
            data = read_exactly(stream, size)
    return layout, np.frombuffer(data, dtype).reshape(shape, order="F" if fortran_order else "C")


def write_npz_array(path: Path, array: NDArray[Any]) -> None:
    """Writes an npz with one array, arr_0, compressed, as `numpy.savez_compressed` does.

    The bytes depend on the array alone: numpy leaves room for arrays beyond 4 GiB, in a form that differs
    between versions of Python; a member of known size needs none.
    """
    content = io.BytesIO()
    npy.write_array(content, array, allow_pickle=False)
    member = zipfile.ZipInfo("arr_0.npy", date_time=(1980, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content.getbuffer())


def _only_array(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    members = archive.infolist()
    if len(members) != 1 or not members[0].filename.endswith(".npy"):
        names = ", ".join(member.filename for member in members[:5]) or "none"
        raise DisplacementError(
            "npz does not hold exactly one array",
            where=path,
            expected="arr_0 alone",
            got=f"{len(members)} ({names})",
        )
    return members[0]
