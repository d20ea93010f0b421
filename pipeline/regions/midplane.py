"""The mid-sagittal plane of a head, found from what a segmentor that knows no sides says of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from math import radians, tan

import torch
import torch.nn.functional as F

from pipeline.registration.preprocess import pad_to_multiple
from pipeline.typing import Bool, Float, Tensor

__all__ = ["Plane", "in_cubes", "mid_plane"]

_Place = tuple[float, float, float]
"""Of a plane: its offset in mm, and in degrees how much it is tilted towards each of the other two axes."""
_Size = tuple[float, float, float]

_FIRST_STEP: _Place = (5.0, 8.0, 8.0)
_FIRST_REACH = (5, 2, 2)
"""In steps, either way: 25 mm and 16 degrees; what follows may go a step further."""
_HALVINGS = 5
"""Of the steps: the last are of 0.2 mm and a quarter of a degree."""
_LEAST_SHARE = 0.2
"""Cubes with less of all structures than this are not compared."""


@dataclass(frozen=True, eq=False)
class Plane:
    """The points p in mm with `normal . (p - middle_mm) = offset_mm`; the first voxel's corner is 0.

    Attributes:
        normal: of length 1; its component along the axis from side to side is positive.
        middle_mm: a point near the plane.
        offset_mm: how far the plane is from there.
    """

    normal: Float[Tensor, "3"]
    middle_mm: Float[Tensor, "3"]
    offset_mm: float

    def mirrored(self, points_mm: Float[Tensor, "P 3"]) -> Float[Tensor, "P 3"]:
        """Where points are in a mirror in the plane."""
        distances_mm = (points_mm - self.middle_mm) @ self.normal - self.offset_mm
        return points_mm - 2 * distances_mm[:, None] * self.normal

    def beyond(self, shape: Iterable[int], voxel_mm: _Size) -> Bool[Tensor, "X Y Z"]:
        """Whether the middle of each voxel lies beyond the plane, on the side of the last voxels."""
        x, y, z = (
            component * (_middles_mm(side, size, self.normal.device) - middle)
            for component, side, size, middle in zip(
                self.normal, shape, voxel_mm, self.middle_mm, strict=True
            )
        )
        return x[:, None, None] + y[:, None] + z > self.offset_mm


def in_cubes(maps: Float[Tensor, "C X Y Z"], side: int) -> Float[Tensor, "C U V W"]:
    """Means over cubes of so many voxels a side; zeros fill the last ones."""
    return F.avg_pool3d(pad_to_multiple(maps[None], side)[0], side)


def mid_plane(structures: Float[Tensor, "C U V W"], voxel_mm: _Size, axis: int) -> Plane:
    """The plane about which structures are most like their mirror image.

    Searched over its offset and two angles: on cubes twice as large in steps of 5 mm and 8 degrees, then
    around the best of them in steps that are halved again and again. Each structure has the same weight, so
    that the deep ones count as much as the cortex.

    Args:
        structures: probability of each class but background, in cubes of a few mm.
        voxel_mm: sides of the cubes.
        axis: the one that runs from side to side, more or less.

    Returns:
        The plane; where there are no structures, that across the middle of the axis.
    """
    view = _View(structures, voxel_mm, axis, _middle_mm(structures, voxel_mm))
    x, y, z = (2 * size for size in voxel_mm)
    coarse = _View(in_cubes(structures, 2), (x, y, z), axis, view.middle_mm)
    if not len(coarse.points_mm):
        return view.plane((0.0, 0.0, 0.0))
    best = coarse.best_around((0.0, 0.0, 0.0), _FIRST_STEP, _FIRST_REACH)
    for halving in range(1, _HALVINGS + 1):
        offset, one, other = (step / 2**halving for step in _FIRST_STEP)
        best = view.best_around(best, (offset, one, other), (1, 1, 1))
    return view.plane(best)


class _View:
    """Structures in cubes of one size, and how much they are like their mirror image."""

    def __init__(
        self, structures: Float[Tensor, "C U V W"], voxel_mm: _Size, axis: int, middle_mm: Float[Tensor, "3"]
    ) -> None:
        sides, device = structures.shape[1:], structures.device
        self.maps = structures
        self.extent_mm = torch.tensor(sides, device=device) * torch.tensor(voxel_mm, device=device)
        self.axis, self.middle_mm = axis, middle_mm
        compared = structures.sum(dim=0) > _LEAST_SHARE
        middles = [_middles_mm(side, size, device) for side, size in zip(sides, voxel_mm, strict=True)]
        self.points_mm = torch.stack(torch.meshgrid(*middles, indexing="ij"), dim=-1)[compared]
        self.values = F.normalize(structures[:, compared], dim=1)

    def best_around(self, place: _Place, step: _Place, reach: tuple[int, int, int]) -> _Place:
        """The best of a grid of places, the one in its middle before all that are as good."""
        moves = [sorted(range(-most, most + 1), key=abs) for most in reach]
        places = [
            (place[0] + a * step[0], place[1] + b * step[1], place[2] + c * step[2])
            for a, b, c in product(*moves)
        ]
        return max(places, key=self.likeness)

    def likeness(self, place: _Place) -> float:
        """The sum over structures of how much each is like its mirror image, 1 where it is the same."""
        # Sampling counts from -1 to 1, and names the last axis first.
        there = (self.plane(place).mirrored(self.points_mm) / self.extent_mm * 2 - 1).flip(-1)
        mirrored = F.grid_sample(self.maps[None], there[None, None, None], align_corners=False)[0, :, 0, 0]
        # What is interpolated between cubes is flatter: without the division such planes would lose.
        return float((self.values * F.normalize(mirrored, dim=1)).sum())

    def plane(self, place: _Place) -> Plane:
        """The plane of a place."""
        offset_mm, *tilts = place
        normal = torch.ones(3, device=self.middle_mm.device)
        others = [other for other in range(3) if other != self.axis]
        for other, degrees in zip(others, tilts, strict=True):
            normal[other] = tan(radians(degrees))
        return Plane(normal / normal.norm(), self.middle_mm, offset_mm)


def _middle_mm(structures: Float[Tensor, "C U V W"], voxel_mm: _Size) -> Float[Tensor, "3"]:
    """The centre of mass of all structures, or of the grid where there are none."""
    mass = structures.sum(dim=0) + torch.finfo(structures.dtype).tiny
    centre = []
    for axis, (side, size) in enumerate(zip(mass.shape, voxel_mm, strict=True)):
        along = mass.sum(dim=[other for other in range(3) if other != axis])
        centre.append((along * _middles_mm(side, size, mass.device)).sum() / along.sum())
    return torch.stack(centre)


def _middles_mm(side: int, size: float, device: torch.device) -> Float[Tensor, " S"]:
    """Middles of a row of voxels."""
    return (torch.arange(side, device=device) + 0.5) * size
