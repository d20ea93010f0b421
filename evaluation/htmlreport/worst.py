"""Where a pair is worst: the voxel that the slices of its pictures go through."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from evaluation.metrics.jacobian import CROP, jacobian_determinants

__all__ = ["SIDE_VOX", "Place", "worst_fold", "worst_labels", "worst_likeness"]

SIDE_VOX = 9
"""Side of the cube over which errors are averaged, so that one stray voxel decides nothing."""
_CUBE = f"{SIDE_VOX}x{SIDE_VOX}x{SIDE_VOX}"


@dataclass(frozen=True)
class Place:
    """A voxel of the fixed grid.

    Attributes:
        voxel: Its indices.
        reason: Why this one, in one sentence.
    """

    voxel: tuple[int, int, int]
    reason: str


def worst_labels(
    fixed: NDArray[np.integer], warped: NDArray[np.integer], labels: Iterable[int]
) -> Place | None:
    """Returns the voxel around which the most voxels have another label than in the fixed image.

    Args:
        fixed: Labels (X, Y, Z) of the fixed image.
        warped: Labels of the moving image after registration.
        labels: The labels that count; all others are background.

    Returns:
        None where no such label is in either image.
    """
    wanted = [label for label in labels if label != 0]
    there = [np.isin(one, wanted) for one in (fixed, warped)]
    counted = there[0] | there[1]
    if not counted.any():
        return None
    wrong = counted & (fixed != warped)
    if not wrong.any():
        return Place(_middle(there[0]), "no label differs; the slices go through the middle of the labels")
    voxel, share = _densest(wrong.astype(np.float32))
    wrongly = f"after registration {100 * share:.0f} % of the {_CUBE} voxels around it have another label"
    return Place(voxel, f"where the labels differ most: {wrongly}")


def worst_likeness(
    fixed: NDArray[np.float32], warped: NDArray[np.float32], covered: NDArray[np.bool_]
) -> Place:
    """Returns the voxel around which two images of one modality differ most.

    Args:
        fixed: (X, Y, Z), in [0, 1].
        warped: The moving image after registration, likewise.
        covered: Where the moving image has voxels: its edge is no error.
    """
    voxel, difference = _densest(np.where(covered, np.abs(fixed - warped), np.float32(0)))
    return Place(
        voxel, f"where the images differ most: by {difference:.2f} over the {_CUBE} voxels around it"
    )


def worst_fold(displacement: NDArray[np.float32]) -> Place:
    """Returns the voxel at which the field folds or shrinks most; for two modalities, which look unlike."""
    determinants = jacobian_determinants(displacement)
    if determinants.size == 0:
        x, y, z = (side // 2 for side in displacement.shape[:3])
        return Place((x, y, z), "the middle, as the volume is too small for a Jacobian")
    x, y, z = (int(one) + CROP for one in np.unravel_index(determinants.argmin(), determinants.shape))
    return Place((x, y, z), f"where the field shrinks most: Jacobian determinant {determinants.min():.2f}")


def _densest(errors: NDArray[np.float32]) -> tuple[tuple[int, int, int], float]:
    """The voxel with the largest mean over the cube around it, and that mean."""
    means = ndimage.uniform_filter(errors, SIDE_VOX, mode="constant")
    x, y, z = (int(one) for one in np.unravel_index(means.argmax(), means.shape))
    return (x, y, z), float(means[x, y, z])


def _middle(mask: NDArray[np.bool_]) -> tuple[int, int, int]:
    x, y, z = (round(float(one)) for one in ndimage.center_of_mass(mask))
    return x, y, z
