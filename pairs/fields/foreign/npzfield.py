"""npz fields in this project's convention, in any of the layouts that people choose."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairs.errors import DisplacementError, NonFiniteDisplacement
from pairs.fields.displacement import ReadField
from pairs.fields.encoding import decode
from pairs.fields.foreign.names import Ending, find_files
from pairs.fields.npzfile import read_npz_array
from pairs.fields.profile import NPZ_SUFFIX, Layout, Profile, Shape3, layouts_for
from pairs.files.damage import damage_reported
from pairs.images.header import Header
from pairs.tasks.pair import Pair

__all__ = ["read_npz", "read_npz_file"]

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
    """Finds the npz of a pair and reads it as `read_npz_file` does."""
    del moving
    return read_npz_file(find_files(folder, pair, (Ending(NPZ_SUFFIX),)).warp, fixed)


def read_npz_file(path: Path, fixed: Header) -> ReadField:
    """Reads the one array of an npz: full or half grid, channel first or last, any real type, any key.

    Values are voxels of the full grid. An array that one of the challenge's profiles describes is read as
    that profile; any other is read as npz-full-last, npz-full-first, npz-half-first or npz-half-last, and the
    log says which.

    Raises:
        DisplacementError: If the file is missing, damaged, or holds no array of these shapes.
        NonFiniteDisplacement: If the field holds NaN or infinity.
    """

    def match(found: tuple[int, ...], dtype: np.dtype[Any], key: str) -> Layout:
        return _layout(path, fixed.shape, found, dtype, key)

    with damage_reported(path):
        layout, array = read_npz_array(path, match)
    _LOG.info(
        "%s is read as %s %s %s, voxels of the full grid", path, layout.profile.name, array.shape, array.dtype
    )
    return ReadField(path, layout.profile, _decoded(path, array, layout.profile))


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
