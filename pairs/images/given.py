"""Images as callers of the Python functions give them: files, volumes in memory, or arrays."""

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pairs.errors import VolumeError
from pairs.images.frames import Frames, frames_of, read_frames
from pairs.images.grid import require_same_shape
from pairs.images.header import MAX_VOXELS, Header, read_header
from pairs.images.volume import Volume, as_image, as_labels, read_image, read_labels

__all__ = [
    "Given",
    "Source",
    "frames_from",
    "header_from",
    "image_from",
    "labels_from",
    "source_of",
    "volume",
]

Given: TypeAlias = str | Path | Volume | NDArray[Any]
"""A NIfTI file; a volume, as `volume` makes it; or an array (X, Y, Z) alone."""

Source: TypeAlias = Path | Volume
"""The same, looked over once."""

_NAME = "array"


def volume(array: NDArray[Any], affine: ArrayLike | None = None, *, name: str = _NAME) -> Volume:
    """Makes a volume of an array in memory.

    Args:
        array: (X, Y, Z), real numbers in nibabel's order of axes.
        affine: Voxel indices to RAS millimetres, (4, 4); None for voxels of 1 mm along right, anterior and
            superior.
        name: What messages call it.

    Raises:
        VolumeError: If the array is no image, or the affine places its voxels on no grid.

    Examples:
        >>> import numpy as np
        >>> volume(np.zeros((4, 5, 6)), np.diag([2, 2, 3, 1])).header.spacing_mm
        (2.0, 2.0, 3.0)
    """
    if array.ndim != 3 or not 0 < array.size <= MAX_VOXELS or array.dtype.kind not in "biuf":
        expected = f"real numbers (X, Y, Z), 1 to {MAX_VOXELS} voxels"
        raise VolumeError(
            "the array is no image", where=name, expected=expected, got=f"{array.dtype} {array.shape}"
        )
    matrix = np.array(np.eye(4) if affine is None else affine, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or np.linalg.det(matrix[:3, :3]) == 0:
        expected = "numbers (4, 4) with three independent axes"
        raise VolumeError("affine is singular", where=name, expected=expected, got=matrix.tolist())
    matrix.setflags(write=False)
    x, y, z = (float(size) for size in np.linalg.norm(matrix[:3, :3], axis=0))
    numbers = np.ascontiguousarray(array, dtype=np.uint8 if array.dtype.kind == "b" else array.dtype)
    return Volume(Header(Path(name), numbers.shape, (x, y, z), matrix, numbers.dtype), numbers)


def source_of(given: Given, grid: Header | None = None) -> Source:
    """Looks over what was given.

    Args:
        given: A file, a volume or an array.
        grid: Header of the grid that an array alone lies on; None for voxels of 1 mm.

    Raises:
        VolumeError: If an array is no image.
        GridMismatch: If it has another shape than the grid.
    """
    if isinstance(given, str | Path):
        return Path(given)
    if isinstance(given, Volume):
        return given
    if grid is None:
        return volume(given)
    found = volume(given, grid.affine)
    require_same_shape(grid, found.header)
    return found


def header_from(image: Given | Header) -> Header:
    """Returns the header of what was given; of a file it reads no more.

    Raises:
        VolumeError: If it is no image.
    """
    if isinstance(image, Header):
        return image
    source = source_of(image)
    return source.header if isinstance(source, Volume) else read_header(source)


def image_from(source: Source) -> Volume:
    """Returns an intensity image as float32; errors as for `read_image`."""
    return as_image(source) if isinstance(source, Volume) else read_image(source)


def labels_from(source: Source) -> Volume:
    """Returns a label map; errors as for `read_labels`."""
    return as_labels(source) if isinstance(source, Volume) else read_labels(source)


def frames_from(source: Source) -> Frames:
    """Returns an image in its own number type, of one or more frames; errors as for `read_frames`."""
    return frames_of(source) if isinstance(source, Volume) else read_frames(source)
