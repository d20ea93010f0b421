"""Arrays of npz files, read after a check of what they declare of themselves; nothing is unpickled."""

import io
import math
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pairs.errors import DisplacementError
from pairs.fields.profile import Layout
from pairs.files.damage import read_exactly
from pairs.files.regularfile import open_regular

__all__ = ["NPY_SUFFIX", "npy_header", "npz_archive", "read_npz_array", "read_npz_arrays", "write_npz_array"]

NPY_SUFFIX = ".npy"
_VERSION_1 = b"\x01\x00"
# That of a plain array takes 118 bytes; the format allows 64 KiB.
_MAX_HEADER_BYTES = 4096
_ENTRIES = (
    r"""['"]descr['"] ?: ?['"]([^'"]{1,40})['"]""",
    r"""['"]fortran_order['"] ?: ?(True|False)""",
    r"""['"]shape['"] ?: ?\(([0-9L, ]*)\)""",
)
_HEADER = re.compile(rf"\{{ ?(?:(?:{'|'.join(_ENTRIES)}) ?,? ?){{3}}\}}")
_SIDE = re.compile(r"(?:0|[1-9][0-9]{0,18})L?")
# Those of one letter: no records and no dates.
_NUMBER_TYPE = re.compile(r"[<>|=]?(?:\?|O|[biufcSUV][0-9]{1,9})")

_Match = Callable[[tuple[int, ...], np.dtype[Any], str], Layout]


def npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Reads what an array declares of itself: shape, whether the first axis runs fastest, number type.

    numpy's own reader evaluates the header as Python and raises whatever comes of it.

    Raises:
        ValueError: If this is no header of version 1.0, which holds that of any plain array; later versions
            may declare a header of 4 GiB.
    """
    start = stream.read(len(npy.MAGIC_PREFIX) + 4)
    magic, version, length = start[:-4], start[-4:-2], int.from_bytes(start[-2:], "little")
    if magic != npy.MAGIC_PREFIX:
        raise ValueError("not an npy array")
    if version != _VERSION_1:
        raise ValueError("array header is not of npy version 1.0")
    if length > _MAX_HEADER_BYTES:
        raise ValueError(f"array header of {length} bytes, more than that of a plain array takes")
    text = " ".join(read_exactly(stream, length, to_the_end=False).decode("ascii").split())
    found = [re.search(entry, text) for entry in _ENTRIES] if _HEADER.fullmatch(text) else [None]
    declared = [entry[1] for entry in found if entry]
    if len(declared) != len(_ENTRIES):
        raise ValueError(f"array header is not that of a plain array: {text[:80]!r}")
    dtype, fortran_order, shape = declared
    return _shape(shape), fortran_order == "True", _dtype(dtype)


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
            to be called within `pairs.files.damage.damage_reported`.
    """
    with npz_archive(path) as archive:
        member = _only_array(archive, path)
        with archive.open(member) as stream:
            shape, fortran_order, dtype = npy_header(stream)
            layout = match(shape, dtype, member.filename.removesuffix(NPY_SUFFIX))
            size = _declared_size(member, stream, shape, dtype)
            if header_only:
                return layout, np.empty(0)
            return layout, _array(stream, shape, fortran_order, dtype, size)


def read_npz_arrays(path: Path, max_bytes: int) -> dict[str, NDArray[Any]]:
    """Reads all arrays of an npz by name.

    Args:
        path: The file.
        max_bytes: What the arrays may take in memory together; more is refused before it is read.

    Raises:
        ValueError: If they take more, one would have to be unpickled, or the file does not hold what its
            headers declare, and whatever else damage leads to: to be called within `damage_reported`.
    """
    arrays: dict[str, NDArray[Any]] = {}
    left = max_bytes
    with npz_archive(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as stream:
                shape, fortran_order, dtype = npy_header(stream)
                if dtype.hasobject:
                    raise ValueError("pickled objects, such as rows of different lengths")
                size = _declared_size(member, stream, shape, dtype)
                left -= size
                if left < 0:
                    raise ValueError(f"arrays of more than {max_bytes >> 20} MiB")
                name = member.filename.removesuffix(NPY_SUFFIX)
                if name in arrays:
                    raise ValueError(f"two arrays of the name {name}")
                # A copy, because what lies in bytes cannot be written to.
                arrays[name] = _array(stream, shape, fortran_order, dtype, size).copy(order="K")
    return arrays


@contextmanager
def npz_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Opens a zip file that is a regular file; to be called within `damage_reported`."""
    with open_regular(path) as raw, zipfile.ZipFile(raw) as archive:
        yield archive


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
    if len(members) != 1 or not members[0].filename.endswith(NPY_SUFFIX):
        names = ", ".join(member.filename for member in members[:5]) or "none"
        raise DisplacementError(
            "npz does not hold exactly one array",
            where=path,
            expected="arr_0 alone",
            got=f"{len(members)} ({names})",
        )
    return members[0]


def _shape(text: str) -> tuple[int, ...]:
    """The sides in `3, 4, 5`; a last comma and the L of Python 2 do not count."""
    sides = [side.strip() for side in text.split(",")]
    if not sides[-1]:
        sides.pop()
    if not all(map(_SIDE.fullmatch, sides)):
        raise ValueError(f"array header declares the shape ({text[:80]})")
    return tuple(int(side.removesuffix("L")) for side in sides)


def _dtype(name: str) -> np.dtype[Any]:
    unknown = f"array header declares the number type {name!r}"
    if not _NUMBER_TYPE.fullmatch(name):
        raise ValueError(unknown)
    try:
        return np.dtype(name)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(unknown) from error


def _declared_size(
    member: zipfile.ZipInfo, stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> int:
    """Bytes of the data by the header, which must be those of the member."""
    size = math.prod(shape) * dtype.itemsize
    if member.file_size != stream.tell() + size:
        raise ValueError(f"member of {member.file_size} bytes declares an array of {size} bytes")
    return size


def _array(
    stream: IO[bytes], shape: tuple[int, ...], fortran_order: bool, dtype: np.dtype[Any], size: int
) -> NDArray[Any]:
    data = read_exactly(stream, size)
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran_order else "C")
