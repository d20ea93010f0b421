"""Target registration error at corresponding points."""

import math
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairs.errors import CorruptVolume, MissingVolume
from pairs.files.damage import damage_reported
from pairs.files.regularfile import is_regular, open_regular
from pairs.tasks.imagefiles import sibling_path
from pairs.tasks.task import Pair

__all__ = ["PointPairs", "initial_errors", "point_paths", "read_point_pairs", "target_errors"]

PointPairs: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]

# A cubic spline forgets a voxel by a factor of 0.27 for each voxel of distance: 1e-18 at this one, so that
# only the box around the points needs spline coefficients.
_SPLINE_MARGIN = 32


def _folder_words(pair: Pair, dest: str) -> tuple[str, ...]:
    """Lists the folder words under which the points of a pair may be.

    Keypoints are made for two modalities at a time. Where these are not the usual ones (equal, or
    0000 <- 0001) the releases write `keypoints02Tr`; evaluator 2.0 asks for `keypoints00000002Tr`, which no
    release has.
    """
    fixed, moving = pair.fixed_id.modality, pair.moving_id.modality
    if fixed == moving or (fixed, moving) == ("0000", "0001"):
        return (dest,)
    low, high = sorted((fixed, moving))
    return (f"{dest}{int(low)}{int(high)}", f"{dest}{low}{high}", dest)


def _read_points(path: Path) -> NDArray[np.float64]:
    with damage_reported(path, "file of points", CorruptVolume), open_regular(path) as stream:
        points = np.loadtxt(stream, delimiter=",", ndmin=2, dtype=np.float64)
    if points.shape[1:] != (3,) or not np.isfinite(points).all():
        raise CorruptVolume("points are malformed", where=path, expected="three finite numbers in each line")
    return points


def point_paths(pair: Pair, dest: str) -> tuple[Path, Path]:
    """Finds the files of the points of the fixed and of the moving image.

    Args:
        pair: The pair of images.
        dest: Folder word of the points, "keypoints" or "landmarks".

    Raises:
        MissingVolume: If one of them does not exist.
    """
    for word in _folder_words(pair, dest):
        fixed, moving = (sibling_path(image, word, ".csv") for image in (pair.fixed, pair.moving))
        if is_regular(fixed) and is_regular(moving):
            return fixed, moving
    missing = next(path for path in (fixed, moving) if not is_regular(path))
    raise MissingVolume("points do not exist", where=missing, remedy="add the file or leave out tre")


def read_point_pairs(pair: Pair, dest: str) -> PointPairs:
    """Reads the points of the fixed and of the moving image, each (N, 3) in voxels; see `point_paths`.

    Raises:
        MissingVolume: If a file of points does not exist.
        CorruptVolume: If one cannot be read or the counts differ.
    """
    fixed_path, moving_path = point_paths(pair, dest)
    fixed, moving = _read_points(fixed_path), _read_points(moving_path)
    if fixed.shape != moving.shape:
        count = f"{len(fixed)} points as in {fixed_path.name}"
        raise CorruptVolume("points differ in number", where=moving_path, expected=count, got=len(moving))
    return fixed, moving


def initial_errors(points: PointPairs, spacing_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    """Returns the distance in mm between fixed and moving points before registration."""
    fixed, moving = points
    return _lengths(fixed - moving, spacing_mm)


def target_errors(
    points: PointPairs, displacement: NDArray[np.float32], spacing_mm: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Returns the distance in mm between each warped fixed point and its moving point.

    Args:
        points: Fixed and moving points, each (N, 3) in voxels.
        displacement: u, shape (X, Y, Z, 3), voxels; read by cubic splines, as in evaluator 2.0.
        spacing_mm: Voxel size of the moving image.
    """
    fixed, moving = points
    box = tuple(_neighbourhood(fixed[:, axis], side) for axis, side in enumerate(displacement.shape[:3]))
    positions = (fixed - [side.start for side in box]).T
    shifts = np.stack(
        [
            ndimage.map_coordinates(displacement[box][..., axis], positions, output=np.float64)
            for axis in range(3)
        ],
        axis=1,
    )
    return _lengths(fixed + shifts - moving, spacing_mm)


def _neighbourhood(coordinates: NDArray[np.float64], side: int) -> slice:
    """Returns the part of an axis that decides the spline at some coordinates; at least one voxel of it."""
    start = math.floor(coordinates.min()) - _SPLINE_MARGIN
    stop = math.ceil(coordinates.max()) + _SPLINE_MARGIN + 1
    return slice(min(max(0, start), side - 1), max(1, stop))


def _lengths(steps_vox: NDArray[np.float64], spacing_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.linalg.norm(steps_vox * np.asarray(spacing_mm), axis=1)
    return lengths
