"""npz fields in this project's convention, in any of the layouts that people choose."""

import logging
import tokenize
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pairs.displacement import ReadField, decode
from pairs.errors import DisplacementError, NonFiniteDisplacement
from pairs.foreign.names import Ending, find_files
from pairs.foreign.payload import damage_told, read_exactly
from pairs.header import Header
from pairs.pair import Pair
from pairs.profile import NPZ_SUFFIX, Layout, Profile, Shape3, layouts_for

__all__ = ["read_npz"]

_LOG = logging.getLogger(__name__)

_DTYPE = np.dtype(np.float32)
_LENIENT = (
    Profile("npz-full-last", (NPZ_SUFFIX,), False, False, _DTYPE),
    Profile("npz-full-first", (NPZ_SUFFIX,), False, True, _DTYPE),
    # A half grid is doubled by the rule of the one host that reads half-grid npz files, that of 2021.
    Profile("npz-half-first", (NPZ_SUFFIX,), True, True, _DTYPE, "zoom2"),
    Profile("npz-half-last", (NPZ_SUFFIX,), True, False, _DTYPE, "zoom2"),
)


def read_npz(folder: Path, pair: Pair, fixed: Header, moving: Header) -> ReadField:
    """Reads the one array of an npz: full or half grid, channel first or last, any real type, any key.

    Values are voxels of the full grid. An array that one of the challenge's profiles describes is read as
    that profile; any other is read as npz-full-last, npz-full-first, npz-half-first or npz-half-last, and the
    log says which.

    Raises:
        DisplacementError: If the file is missing, damaged, or holds no array of these shapes.
        NonFiniteDisplacement: If the field holds NaN or infinity.
    """
    del moving
    path = find_files(folder, pair, (Ending(NPZ_SUFFIX),)).warp
    with damage_told(path), zipfile.ZipFile(path) as archive:
        member = _only_array(path, archive)
        with _opened(archive, member) as stream:
            found, fortran_order, dtype = _array_header(stream)
            layout = _layout(path, fixed.shape, found, dtype, member.filename.removesuffix(".npy"))
            size = int(np.prod(found)) * dtype.itemsize
            data = read_exactly(stream, size)
    _LOG.info("%s is read as %s %s %s, voxels of the full grid", path, layout.profile.name, found, dtype)
    array = np.frombuffer(data, dtype).reshape(found, order="F" if fortran_order else "C")
    return ReadField(path, layout.profile, _decoded(path, array, layout.profile))


def _only_array(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = archive.infolist()
    if len(members) != 1 or not members[0].filename.endswith(".npy"):
        got = f"{len(members)} ({', '.join(member.filename for member in members[:5])})"
        raise DisplacementError("npz does not hold exactly one array", where=path, expected="one", got=got)
    return members[0]


def _opened(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    try:
        return archive.open(member)
    # Encrypted members and compressions that zipfile does not know.
    except (RuntimeError, NotImplementedError) as error:
        raise ValueError(str(error)) from error


def _array_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Reads what an array declares of itself; version 2.0 may declare a header of 4 GiB and is refused."""
    if npy.read_magic(stream) != (1, 0):
        raise ValueError("array header is not of npy version 1.0")
    try:
        return npy.read_array_header_1_0(stream)
    except (SyntaxError, tokenize.TokenError) as error:
        raise ValueError(f"array header: {error}") from error


def _layout(path: Path, shape: Shape3, found: tuple[int, ...], dtype: np.dtype[Any], key: str) -> Layout:
    layouts = [*layouts_for(NPZ_SUFFIX, shape)]
    for profile in _LENIENT:
        grid = profile.stored_grid(shape)
        if grid is not None:
            layouts.append(
                Layout(profile, (3, *grid) if profile.channel_first else (*grid, 3), profile.channel_first)
            )
    for layout in layouts:
        if layout.accepts(found, dtype, key):
            return layout
    shapes = " or ".join(dict.fromkeys(str(layout.array_shape) for layout in layouts))
    raise DisplacementError(
        "npz field of an unknown layout", where=path, expected=f"{shapes}, real", got=f"{found} {dtype}"
    )


def _decoded(path: Path, array: NDArray[Any], profile: Profile) -> NDArray[np.float32]:
    displacement = decode(array, profile)
    if not np.isfinite(displacement).all():
        raise NonFiniteDisplacement("displacement field holds NaN or infinity", where=path)
    return displacement
