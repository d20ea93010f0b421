"""Volumes sampled on the grid of another image, a block at a time, each voxel once from the original."""

import itertools
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairs.images.relation import Matrix
from pairs.process.cores import thread_count

__all__ = [
    "Box",
    "Places",
    "each_block",
    "image_at",
    "inside",
    "labels_at",
    "sampled_labels",
    "sampled_linearly",
    "voted_labels_at",
]

Box = tuple[slice, slice, slice]
Shape3 = tuple[int, int, int]
Places = Callable[[Box], Matrix]
"""Where the voxels of a block of the new grid lie in the image: (3, A, B, C) in the voxels of the image."""

# Sides of a block of the new grid: its float64 positions are 3 MiB.
_BLOCK = 48
# Sides of the part of an image that is smoothed for a block: 31 MiB.
_LARGEST_PART = 200
# Of a box as wide as a voxel, taken for a Gaussian of that width at half its height.
_SIGMA_PER_VOXEL = 1 / 2.355
# In voxels of the moving image. A narrower filter changes nothing that is seen.
_LEAST_SIGMA = 0.3
_TRUNCATE = 3.0


def sampled_linearly(
    values: NDArray[Any],
    shape: Shape3,
    matrix: Matrix,
    displacement: NDArray[np.float32] | None = None,
    *,
    smoothed: bool = False,
) -> NDArray[np.float32]:
    """Samples an image on another grid.

    Args:
        values: (X, Y, Z).
        shape: Sides (U, V, W) of the new grid.
        matrix: Voxels of the new grid to voxels of the image, (4, 4).
        displacement: (U, V, W, 3) in voxels of the new grid, added before the matrix; None for none.
        smoothed: Whether a Gaussian goes before it along the axes of the image that the new grid is coarser
            than, so that nothing aliases. It is as wide as makes one point spread of the other (Cardoso et
            al. 2015), and is applied block by block, so that no smoothed copy of a large image is made.

    Returns:
        (U, V, W) float32. Beyond the outermost half voxel of the image it is the smallest value of the image.
    """
    sigma = _sigma(matrix) if smoothed else None
    return image_at(values, shape, partial(_positions, matrix=matrix, displacement=displacement), sigma)


def sampled_labels(
    labels: NDArray[Any], shape: Shape3, matrix: Matrix, displacement: NDArray[np.float32] | None = None
) -> NDArray[Any]:
    """Samples a label map at the nearest voxel, for the rest as `sampled_linearly`; 0 beyond it."""
    return labels_at(labels, shape, partial(_positions, matrix=matrix, displacement=displacement))


def image_at(
    values: NDArray[Any], shape: Shape3, places: Places, sigma: Matrix | None = None
) -> NDArray[np.float32]:
    """Samples an image linearly at any places.

    Args:
        values: (X, Y, Z).
        shape: Sides (U, V, W) of the new grid.
        places: Where its voxels lie in the image; NaN for nowhere.
        sigma: Widths of a Gaussian along the axes of the image, in its voxels; None for none.

    Returns:
        (U, V, W) float32, or float64 where the image holds numbers that float32 does not; beyond the
        outermost half voxel of the image its smallest value.
    """
    dtype = np.float64 if values.dtype.itemsize > 2 and values.dtype != np.float32 else np.float32
    result = np.full(shape, values.min(), dtype=dtype)
    widths = np.zeros(3) if sigma is None else sigma

    def fill(block: Box) -> None:
        positions = places(block)
        within = inside(positions, values.shape)
        if within.all():
            result[block] = _interpolated(values, positions.reshape(3, -1), widths, dtype).reshape(
                within.shape
            )
        elif within.any():
            result[block][within] = _interpolated(values, positions[:, within], widths, dtype)

    each_block(fill, shape, _block_side(widths))
    return result


def labels_at(labels: NDArray[Any], shape: Shape3, places: Places) -> NDArray[Any]:
    """Samples a label map (X, Y, Z) at the nearest voxels, for the rest as `image_at`; 0 beyond it."""

    def pick(positions: Matrix) -> NDArray[Any]:
        nearest = np.rint(positions).astype(np.intp)
        last = np.array(labels.shape)[:, None] - 1
        return np.asarray(labels[tuple(np.clip(nearest, 0, last))])

    return _picked(labels, shape, places, pick)


def voted_labels_at(labels: NDArray[Any], shape: Shape3, places: Places) -> NDArray[Any]:
    """Samples a label map by the vote of the eight voxels around, each with its weight of the linear rule.

    That is the label whose one-hot image, sampled linearly, is the largest; of equal ones the smallest. For
    the rest as `labels_at`.
    """
    return _picked(labels, shape, places, partial(_voted, labels))


def _picked(
    labels: NDArray[Any], shape: Shape3, places: Places, pick: Callable[[Matrix], NDArray[Any]]
) -> NDArray[Any]:
    """Fills a grid with the labels that `pick` finds at positions (3, N) within the label map; 0 beyond."""
    result = np.zeros(shape, dtype=labels.dtype)

    def fill(block: Box) -> None:
        positions = places(block)
        within = inside(positions, labels.shape)
        result[block][within] = pick(positions[:, within])

    each_block(fill, shape)
    return result


def _voted(labels: NDArray[Any], positions: Matrix) -> NDArray[Any]:
    """The label with the most weight around each of the positions (3, N)."""
    last = np.array(labels.shape)[:, None] - 1
    positions = np.clip(positions, 0, last)
    first = np.minimum(np.floor(positions).astype(np.intp), np.maximum(last - 1, 0))
    share = positions - first
    corners = np.array(list(itertools.product((0, 1), repeat=3)))
    found = np.stack([labels[tuple(np.minimum(first + corner[:, None], last))] for corner in corners])
    winners: NDArray[Any] = found[0].copy()
    (mixed,) = np.nonzero((found != found[0]).any(axis=0))
    if mixed.size:
        found, share = found[:, mixed], share[:, mixed]
        weights = np.stack(
            [np.where(corner[:, None] == 1, share, 1 - share).prod(axis=0) for corner in corners]
        )
        votes = np.stack([(weights * (found == one)).sum(axis=0) for one in found])
        # Sums of the same weights in another order differ in the last place.
        best = votes >= votes.max(axis=0) - 1e-12
        winners[mixed] = np.where(best, found, np.iinfo(found.dtype).max).min(axis=0)
    return winners


def _sigma(matrix: Matrix) -> Matrix:
    """The Gaussian along each axis of the image, in its voxels."""
    # How wide a voxel of the new grid is along it.
    widths = np.linalg.norm(matrix[:3, :3], axis=1)
    sigma = _SIGMA_PER_VOXEL * np.sqrt(np.maximum(widths**2 - 1, 0))
    return np.where(sigma < _LEAST_SIGMA, 0, sigma)


def _block_side(sigma: Matrix) -> int:
    """Sides of a block, fewer where the part of the image that it needs would be large."""
    return max(1, min(_BLOCK, int(_LARGEST_PART / (1 + sigma.max() / _SIGMA_PER_VOXEL))))


def each_block(fill: Callable[[Box], None], shape: Shape3, side: int = _BLOCK) -> None:
    """Fills a grid block by block; NumPy and SciPy let go of Python's lock: the blocks share the cores."""
    axes = ([slice(start, min(start + side, stop)) for start in range(0, stop, side)] for stop in shape)
    blocks = ((x, y, z) for x, y, z in itertools.product(*axes))
    with ThreadPoolExecutor(thread_count()) as pool:
        deque(pool.map(fill, blocks), maxlen=0)


def _positions(block: Box, matrix: Matrix, displacement: NDArray[np.float32] | None) -> Matrix:
    """Where the voxels of a block lie in the image, (3, A, B, C) in its voxels."""
    ranges = (np.arange(axis.start, axis.stop, dtype=np.float64) for axis in block)
    points = np.stack(np.meshgrid(*ranges, indexing="ij"))
    if displacement is not None:
        points += np.moveaxis(displacement[block], -1, 0)
    moved: Matrix = np.tensordot(matrix[:3, :3], points, axes=1)
    moved += matrix[:3, 3].reshape(3, 1, 1, 1)
    return moved


def inside(positions: NDArray[np.floating[Any]], shape: Sequence[int]) -> NDArray[np.bool_]:
    """Which positions (3, ...) lie in a voxel of the image; it reaches half its size around its centre."""
    sides = np.array(shape).reshape(3, *(1 for _ in positions.shape[1:]))
    return np.asarray(((positions >= -0.5) & (positions <= sides - 0.5)).all(axis=0))


def _interpolated(
    values: NDArray[Any], positions: Matrix, sigma: Matrix, dtype: type[np.floating[Any]]
) -> NDArray[Any]:
    """Values at positions (3, N) within the image, in the outermost half voxel those of its border."""
    if sigma.any():
        margin = np.ceil(_TRUNCATE * sigma) + 1
        first = np.maximum(np.floor(positions.min(axis=1) - margin), 0).astype(int)
        last = np.ceil(positions.max(axis=1) + margin).astype(int)
        part = values[tuple(slice(start, stop + 1) for start, stop in zip(first, last, strict=True))]
        values = ndimage.gaussian_filter(part, sigma, output=np.float32, mode="nearest", truncate=_TRUNCATE)
        positions = positions - first[:, None]
    found: NDArray[Any] = ndimage.map_coordinates(values, positions, output=dtype, order=1, mode="nearest")
    return found
