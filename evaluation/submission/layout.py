"""Layouts: how a stored array lies on the grid of its pair, and what a host would refuse about it."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.submission.findings import Finding, error, warning
from evaluation.submission.stored import Head, Stored
from pairs.fields.profile import NPZ_SUFFIX, Profile, Shape3, container_suffix

__all__ = ["Placement", "choose_head", "layout_findings", "place"]

_IN_ORDER = (0, 1, 2)
_ORDERS = (_IN_ORDER, (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
_OLD_KEY = "arr_0"
_CONTENTS = {"npz": "an npz", "npy": "a bare npy array", "nifti": "uncompressed NIfTI", "nifti-gz": "NIfTI"}


@dataclass(frozen=True)
class Placement:
    """A way to read a shape as a field of a grid.

    Attributes:
        half: Whether the stored sides are half of the grid's.
        channel_first: Whether the components are the first axis, else the last.
        axes: Which axis of the grid each stored spatial axis has the length of; (0, 1, 2) where in order.
    """

    half: bool
    channel_first: bool
    axes: tuple[int, int, int] = _IN_ORDER

    def as_field(self, array: NDArray[Any]) -> NDArray[Any]:
        """Returns a view (x, y, z, 3) with the spatial axes in the order of the grid."""
        field = np.moveaxis(array, 0, -1) if self.channel_first else array
        return np.transpose(field, (*np.argsort(self.axes), 3))


def place(shape: tuple[int, ...], grid: Shape3, profile: Profile) -> Placement | None:
    """Finds how an array shape lies on a grid, the ways nearest to the profile first.

    Args:
        shape: Shape of the stored array.
        grid: (X, Y, Z) of the pair.
        profile: The profile that the host reads.

    Returns:
        The placement, or None where no order of axes fits the grid or its half.
    """
    if len(shape) != 4:
        return None
    halves = (profile.half, not profile.half)
    for axes in _ORDERS:
        for half, first in itertools.product(halves, (profile.channel_first, not profile.channel_first)):
            if half and any(side % 2 for side in grid):
                continue
            sides = [grid[axis] // (2 if half else 1) for axis in axes]
            if shape == ((3, *sides) if first else (*sides, 3)):
                return Placement(half, first, axes)
    return None


def choose_head(stored: Stored, grid: Shape3, profile: Profile) -> Head | None:
    """Returns the one array of a file that can be a field of the grid; None where none or several can."""
    fitting = [head for head in stored.heads if head.real and place(head.shape, grid, profile) is not None]
    return fitting[0] if len(fitting) == 1 else None


def layout_findings(stored: Stored, name: str, grid: Shape3, profile: Profile) -> list[Finding]:
    """Lists everything that is wrong with how a field is stored.

    Args:
        stored: What the file holds.
        name: Its name in the folder.
        grid: (X, Y, Z) of the pair.
        profile: The profile that the host reads.
    """
    head = choose_head(stored, grid, profile)
    found = _container_findings(stored, name, profile) + _array_findings(stored, name, profile, head)
    judged = head or (stored.heads[0] if len(stored.heads) == 1 else None)
    if judged is None or judged.pickled:
        return found
    found += _key_findings(stored, judged, name, profile)
    found += _dtype_findings(judged, name, profile)
    return found + _shape_findings(judged, name, grid, profile)


def _container_findings(stored: Stored, name: str, profile: Profile) -> list[Finding]:
    suffix = container_suffix(stored.path)
    if suffix is None:
        return []
    if stored.kind == ("npz" if suffix == NPZ_SUFFIX else "nifti-gz"):
        return []
    what, remedy = "content does not match the name", f"write {' or '.join(profile.suffixes)}"
    return [
        error("container", name, what, got=_CONTENTS[stored.kind], remedy=remedy, repairable=True),
    ]


def _array_findings(stored: Stored, name: str, profile: Profile, head: Head | None) -> list[Finding]:
    found = [
        error(
            "pickle",
            name,
            "array of Python objects, which is never unpickled",
            expected=f"{profile.dtype} numbers",
            got=f"key {one.key}" if one.key else "an object array",
            remedy="save the numbers themselves",
        )
        for one in stored.heads
        if one.pickled
    ]
    keys = [*(one.key for one in stored.heads), *stored.others]
    if stored.kind == "npz" and len(keys) != 1:
        remedy = "save one array" if head is None else f"keep {head.key} alone"
        listed = ", ".join(keys[:5]) or "none"
        found.append(
            error(
                "arrays",
                name,
                "npz does not hold exactly one array",
                expected="one array",
                got=f"{len(keys)}: {listed}",
                remedy=remedy,
                repairable=head is not None,
            )
        )
    return found


def _key_findings(stored: Stored, head: Head, name: str, profile: Profile) -> list[Finding]:
    if stored.kind != "npz" or head.key == _OLD_KEY:
        return []
    remedy = "save it with numpy.savez_compressed(path, array)"
    if profile.key is None:
        what = "npz key that hosts from before 2025-02 do not find"
        return [warning("key", name, what, expected=_OLD_KEY, got=head.key, remedy=remedy)]
    what = "wrong npz key"
    return [error("key", name, what, expected=profile.key, got=head.key, remedy=remedy, repairable=True)]


def _dtype_findings(head: Head, name: str, profile: Profile) -> list[Finding]:
    if not head.real:
        remedy = f"save real numbers, {profile.dtype}"
        what = "array is not made of real numbers"
        return [error("dtype", name, what, expected=profile.dtype, got=head.type_name, remedy=remedy)]
    if not profile.dtype_checked or head.dtype == profile.dtype:
        return []
    got = head.type_name
    if head.dtype.newbyteorder("=") == profile.dtype:
        got = f"big-endian {profile.dtype}"
    remedy = f"convert with .astype(numpy.{profile.dtype})"
    what = "wrong number type"
    return [error("dtype", name, what, expected=profile.dtype, got=got, remedy=remedy, repairable=True)]


def _shape_findings(head: Head, name: str, grid: Shape3, profile: Profile) -> list[Finding]:
    expected = _expected_shape(grid, profile)
    placement = place(head.shape, grid, profile)
    if expected is None:
        what = f"profile {profile.name} stores half of the grid, and the grid has an odd side"
        remedy = "use a full-grid profile, such as l2r2022"
        return [error("shape", name, what, expected="even sides", got=grid, remedy=remedy)]
    if placement is None:
        remedy = "write the field on the grid of the fixed image"
        if len(head.shape) == 5 and head.shape[3] == 1:
            remedy = (
                "this is the vector layout of ITK, which is in millimetres and in world axes: convert to "
                "voxels along the array axes, then write four axes"
            )
        return [error("shape", name, "wrong shape", expected=expected, got=head.shape, remedy=remedy)]
    ordered = placement.axes == _IN_ORDER
    found: list[Finding] = []
    if placement.half != profile.half:
        words = ("half", "full") if placement.half else ("full", "half")
        what = f"{words[0]} grid given, the host reads the {words[1]} grid"
        remedy = f"write for {profile.name}"
        found.append(
            error("grid", name, what, expected=expected, got=head.shape, remedy=remedy, repairable=ordered)
        )
    if placement.channel_first != profile.channel_first and not profile.either_order:
        places = ("first", "last") if profile.channel_first else ("last", "first")
        what = f"components are the {places[1]} axis, the host expects them {places[0]}"
        found.append(error("channel", name, what, expected=expected, got=head.shape, repairable=ordered))
    if not ordered:
        what = f"spatial axes in the order {placement.axes}"
        remedy = "transpose to the array axes of the fixed image, and the components with them"
        found.append(error("axes", name, what, expected=expected, got=head.shape, remedy=remedy))
    return found


def _expected_shape(grid: Shape3, profile: Profile) -> tuple[int, ...] | None:
    stored = profile.stored_grid(grid)
    if stored is None:
        return None
    return (3, *stored) if profile.channel_first else (*stored, 3)
