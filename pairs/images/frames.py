"""Images of one or more frames, in the number type of their file."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pairs.images.header import Header, parse_header
from pairs.images.volume import Volume, as_image, replace_non_finite
from pairs.images.volumefile import open_volume
from pairs.images.voxels import read_float32, slabs

__all__ = ["Frames", "frames_of", "read_frames", "read_frames_header"]


@dataclass(frozen=True, eq=False)
class Frames:
    """A header and the voxels behind it.

    Attributes:
        header: The grid.
        array: (X, Y, Z, N); integers as the file has them where no slope is applied to them, else float32.
    """

    header: Header
    array: np.ndarray


def frames_of(volume: Volume) -> Frames:
    """Returns a volume in memory as an image of one frame; integers stay, all else is float32.

    Raises:
        NonFinite: If more than 1 % of the voxels are NaN or infinite.
    """
    whole = volume if volume.array.dtype.kind in "iu" else as_image(volume)
    return Frames(whole.header, whole.array[..., None])


def read_frames_header(path: Path) -> Header:
    """Reads and checks the header of an image of one or more frames; errors as for `read_frames`."""
    with open_volume(path) as stream:
        return parse_header(path, stream, frames=True).header


def read_frames(path: Path) -> Frames:
    """Reads an image (X, Y, Z), or a series of such images (X, Y, Z, N), on one grid.

    NaN and infinite voxels are replaced as by `read_image`.

    Raises:
        VolumeError: If the file cannot be used; that of colours or complex numbers says so.
        NonFinite: If more than 1 % of the voxels are NaN or infinite.
    """
    with open_volume(path) as stream:
        stored = parse_header(path, stream, frames=True)
        header = stored.header
        if header.dtype.kind in "iu" and not header.scaled:
            array = np.empty(stored.shape, dtype=header.dtype)
            for index, slab in slabs(stream, stored):
                array[index] = slab
            return Frames(header, array)
        array = read_float32(stream, stored)
    warnings = replace_non_finite(path, array)
    return Frames(replace(header, warnings=(*header.warnings, *warnings)), array)
