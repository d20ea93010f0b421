"""Target registration error at corresponding points."""

from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from evaluation.scoring.siblings import sibling_path
from pairs.errors import CorruptVolume, MissingVolume
from pairs.task import Pair

__all__ = ["PointPairs", "read_point_pairs", "target_errors"]

PointPairs: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]


def _folder_words(pair: Pair, dest: str) -> tuple[str, ...]:
    """Folder words under which the points of a pair may lie (facts/learn2reg.md 3.6).

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
    try:
        points = np.loadtxt(path, delimiter=",", ndmin=2, dtype=np.float64)
    except (ValueError, OSError) as error:
        raise CorruptVolume("points cannot be read", where=path, got=str(error)) from error
    if points.shape[1:] != (3,) or not np.isfinite(points).all():
        raise CorruptVolume("points are malformed", where=path, expected="three finite numbers in each line")
    return points


def read_point_pairs(pair: Pair, dest: str) -> PointPairs:
    """Reads the points of the fixed and of the moving image, each (N, 3) in voxels.

    Args:
        pair: The pair of images.
        dest: Folder word of the points, "keypoints" or "landmarks".

    Raises:
        MissingVolume: If a file of points does not exist.
        CorruptVolume: If one cannot be read or the counts differ.
    """
    for word in _folder_words(pair, dest):
        fixed_path, moving_path = (sibling_path(image, word, ".csv") for image in (pair.fixed, pair.moving))
        if fixed_path.is_file() and moving_path.is_file():
            fixed, moving = _read_points(fixed_path), _read_points(moving_path)
            if fixed.shape != moving.shape:
                count = f"{len(fixed)} points as in {fixed_path.name}"
                raise CorruptVolume(
                    "points differ in number", where=moving_path, expected=count, got=len(moving)
                )
            return fixed, moving
    missing = next(path for path in (fixed_path, moving_path) if not path.is_file())
    raise MissingVolume("points do not exist", where=missing, remedy="add the file or leave out tre")


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
    shifts = np.stack(
        [ndimage.map_coordinates(displacement[..., axis], fixed.T, output=np.float64) for axis in range(3)],
        axis=1,
    )
    errors: NDArray[np.float64] = np.linalg.norm((fixed + shifts - moving) * np.asarray(spacing_mm), axis=1)
    return errors
