"""Everything that is warped in the same way: images, label maps and points of one pair, in one direction.

Images go against the points. To fill a voxel of the fixed grid one asks where its anatomy lies in the moving
image, so the field that brings the moving image to the fixed one takes points of the fixed image to the
moving one (docs/using-fields.md has a picture).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairs.images.frames import Frames, read_frames
from pairs.images.header import Header, read_header
from pairs.images.sampling import Places, inside
from pairs.images.volume import Volume, read_labels
from transforms.inverse import Inverse, inverse_of, inverse_of_points
from transforms.pathway import Pathway, Step
from transforms.points.pointset import CoordinateSystem, from_voxels, to_voxels
from transforms.resampling import LabelRule, resampled_image, resampled_labels

__all__ = ["MovedPoints", "Warping", "warping_of"]


@dataclass(frozen=True, eq=False)
class MovedPoints:
    """Points in the other image.

    Attributes:
        coordinates: (N, 3), in the system that they came in; NaN for nowhere.
        outside: (N,) whether the field does not reach the point: it lies, or comes from, outside the fixed
            image. There the displacement of the border goes on.
        beyond: (N,) whether the point came to lie outside the moving image; all False in the other direction.
    """

    coordinates: NDArray[np.float64]
    outside: NDArray[np.bool_]
    beyond: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Warping:
    """A way between two images, a direction, and the grid of the results.

    Attributes:
        pathway: From the fixed image to the moving one.
        moving: Header of the moving image.
        grid: Header of the grid on which images and label maps come out: in the fixed space, or backwards in
            the moving one.
        backwards: Whether the images of the fixed space are brought to the moving one.
    """

    pathway: Pathway
    moving: Header
    grid: Header
    backwards: bool

    @cached_property
    def inverse(self) -> Inverse:
        """The inverse on the grid; asked for by what goes backwards, and found once."""
        return inverse_of(self.pathway, self.grid)

    def image(self, image: Frames | Path) -> NDArray[Any]:
        """Returns an image, or that of a file, on the grid, sampled once; see `resampled_image`."""
        if isinstance(image, Path):
            image = read_frames(image)
        return resampled_image(image, self.grid.shape, self._places(image.header))

    def labels(self, labels: Volume | Path, rule: LabelRule = "nearest") -> NDArray[Any]:
        """Returns a label map, or that of a file, on the grid; see `resampled_labels`."""
        if isinstance(labels, Path):
            labels = read_labels(labels)
        return resampled_labels(labels, self.grid.shape, self._places(labels.header), rule)

    def points(self, coordinates: NDArray[np.float64], system: CoordinateSystem) -> MovedPoints:
        """Returns points of the fixed image in the moving one; backwards, of the moving one in the fixed.

        Args:
            coordinates: (N, 3).
            system: What they are.
        """
        fixed, moving = self.pathway.fixed, self.moving
        stages = self.pathway.stages(fixed, moving)
        if self.backwards:
            found = inverse_of_points(stages, fixed, to_voxels(coordinates, system, moving.affine))
            outside = ~inside(found, fixed.shape)
            return MovedPoints(
                from_voxels(found, system, fixed.affine), outside, np.zeros(len(coordinates), bool)
            )
        voxels = to_voxels(coordinates, system, fixed.affine)
        found = stages.moved(voxels)
        return MovedPoints(
            from_voxels(found, system, moving.affine),
            ~inside(voxels, fixed.shape),
            ~inside(found, moving.shape),
        )

    def uncovered(self) -> float:
        """Returns the share of the grid that lies outside the fixed image, where no field says anything."""
        if self.backwards:
            return self.inverse.figures.outside / self.inverse.figures.voxels
        if self.grid is self.pathway.fixed:
            return 0.0
        axes = (np.linspace(0, side - 1, min(side, 33)) for side in self.grid.shape)
        points = np.stack(np.meshgrid(*axes, indexing="ij"))
        to_fixed = Pathway(self.grid, ()).stages(self.grid, self.pathway.fixed)
        return float(1 - inside(to_fixed.moved(points), self.pathway.fixed.shape).mean())

    def _places(self, image: Header) -> Places:
        if not self.backwards:
            return self.pathway.stages(self.grid, image).places
        return self.inverse.places(Pathway(self.pathway.fixed, ()).stages(self.pathway.fixed, image))


def warping_of(
    fixed: Header | Path,
    steps: Sequence[Step],
    *,
    moving: Header | Path | None = None,
    like: Header | Path | None = None,
    backwards: bool = False,
) -> Warping:
    """Makes ready what images, label maps and points go through.

    Args:
        fixed: The fixed image or its header.
        steps: Fields and affine maps, in the order in which a point of the fixed image goes through them.
        moving: The moving image or its header; None for one on the grid of the fixed image.
        like: An image whose grid the results are to have; None for the fixed image's, or backwards the moving
            one's.
        backwards: Whether images go from the fixed space to the moving one, and points the other way.

    Raises:
        VolumeError: If an image cannot be used.
    """
    grid_fixed = _header(fixed)
    grid_moving = grid_fixed if moving is None else _header(moving)
    grid = grid_moving if backwards else grid_fixed
    if like is not None:
        grid = _header(like)
    return Warping(Pathway(grid_fixed, tuple(steps)), grid_moving, grid, backwards)


def _header(image: Header | Path) -> Header:
    return read_header(image) if isinstance(image, Path) else image
