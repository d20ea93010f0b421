# mypy: allow-untyped-calls
"""Which array axis runs where in the patient, by the affine."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np

__all__ = ["AxisOrder", "axis_letters", "axis_order"]


@dataclass(frozen=True)
class AxisOrder:
    """How an array is brought to another order and direction of its axes.

    Attributes:
        axes: The array's axis that becomes the first, second and third.
        flipped: Whether that axis is reversed on the way.
    """

    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Returns a view of (X, Y, Z) in the new order."""
        steps = tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)
        return array.transpose(self.axes)[steps]

    def undo(self, array: np.ndarray) -> np.ndarray:
        """Returns a view in the order that `apply` began with."""
        steps = tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)
        return array[steps].transpose(np.argsort(self.axes))


def axis_letters(affine: np.ndarray) -> str:
    """Returns where the axes run, such as "RAS": towards the right, the front and the head."""
    return "".join(nib.aff2axcodes(affine))


def axis_order(affine: np.ndarray, orientation: str = "RAS") -> AxisOrder:
    """Returns the order in which the axes run as close as they can to the wanted directions.

    Args:
        affine: Voxel indices to millimetres, (4, 4).
        orientation: Three letters, such as "RAS": towards the right, the front and the head.
    """
    here = nib.orientations.io_orientation(affine)
    there = nib.orientations.axcodes2ornt(orientation)
    change = nib.orientations.ornt_transform(here, there)
    # Row i says where axis i goes; here is wanted which axis comes to each place.
    axes = np.argsort(change[:, 0])
    x, y, z = (int(axis) for axis in axes)
    flip_x, flip_y, flip_z = (bool(change[axis, 1] < 0) for axis in axes)
    return AxisOrder((x, y, z), (flip_x, flip_y, flip_z))
