"""Everything that is warped in the same way: images, label maps and points of one pair, in one direction.

Images go against the points. To fill a voxel of the fixed grid one asks where its anatomy lies in the moving
image, so the field that brings the moving image to the fixed one takes points of the fixed image to the
moving one (docs/using-fields.md has a picture).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pairs.errors import BadPoints, UsageError
from pairs.fields.field import Field
from pairs.images.frames import Frames
from pairs.images.given import Given, frames_from, header_from, labels_from, source_of
from pairs.images.header import Header
from pairs.images.sampling import Places, inside
from transforms.inverse import Inverse, inverse_of, inverse_of_points
from transforms.pathway import Pathway, Step
from transforms.points.pointset import CoordinateSystem, from_voxels, to_voxels
from transforms.resampling import LabelRule, resampled_image, resampled_labels

__all__ = ["MovedPoints", "Warping", "warp"]


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

    def image(self, image: Given | Frames) -> NDArray[Any]:
        """Returns an image on the grid, sampled once and linearly.

        Args:
            image: A file of one or more frames; or an image in memory. An array alone lies on the grid of the
                moving image, backwards on that of the fixed one.

        Returns:
            (U, V, W), or (U, V, W, N) of more than one frame. Integers stay integers of their type, rounded;
            all else is float32. Beyond the image it is the smallest value of the frame.

        Raises:
            VolumeError: If the image cannot be used.
            GridMismatch: If an array has another shape than the grid that it lies on.
        """
        frames = image if isinstance(image, Frames) else frames_from(source_of(image, self._origin))
        return resampled_image(frames, self.grid.shape, self._places(frames.header))

    def labels(self, labels: Given, rule: LabelRule = "nearest") -> NDArray[Any]:
        """Returns a label map on the grid; 0 beyond it.

        Args:
            labels: A label map, as for `image`.
            rule: `nearest` voxel, or `vote` for the label with the most weight among the eight around.

        Raises:
            VolumeError: If the label map cannot be used, or holds other values than whole numbers.
            GridMismatch: If an array has another shape than the grid that it lies on.
        """
        found = labels_from(source_of(labels, self._origin))
        return resampled_labels(found, self.grid.shape, self._places(found.header), rule)

    def points(self, coordinates: ArrayLike, system: CoordinateSystem = "voxels") -> MovedPoints:
        """Returns points of the fixed image in the moving one; backwards, of the moving one in the fixed.

        Args:
            coordinates: (N, 3).
            system: What they are: `voxels`, or millimetres `ras` or `lps`. They come out as the same.

        Raises:
            BadPoints: If they are not (N, 3) numbers.
        """
        given = np.asarray(coordinates, dtype=np.float64)
        if given.ndim != 2 or given.shape[1] != 3:
            raise BadPoints("not a list of points", expected="(N, 3)", got=given.shape)
        return self._moved(given, system)

    def _moved(self, coordinates: NDArray[np.float64], system: CoordinateSystem) -> MovedPoints:
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

    @property
    def _origin(self) -> Header:
        """The grid that arrays come from, which say nothing of theirs."""
        return self.pathway.fixed if self.backwards else self.moving

    def _places(self, image: Header) -> Places:
        if not self.backwards:
            return self.pathway.stages(self.grid, image).places
        return self.inverse.places(Pathway(self.pathway.fixed, ()).stages(self.pathway.fixed, image))


def warp(
    *steps: Step,
    fixed: Given | Header | None = None,
    moving: Given | Header | None = None,
    like: Given | Header | None = None,
    inverse: bool = False,
) -> Warping:
    """Makes ready what images, label maps and points go through: `warp(field).image(moving)`.

    Images and label maps are of the moving image's space and come out on the fixed grid; points are of the
    fixed image and come out in the moving one. With `inverse`, all of them go the other way
    (docs/using-fields.md).

    Args:
        steps: Fields and affine maps (4, 4) of RAS millimetres, in the order in which a point of the fixed
            image goes through them. Images are sampled once, however many there are.
        fixed: The fixed image; None for that of the first field.
        moving: The moving image; None for one on the grid of the fixed image.
        like: An image whose grid the results are to have; None for the fixed image's, or with `inverse` the
            moving one's.
        inverse: Whether images go from the fixed space to the moving one, and points the other way.

    Raises:
        UsageError: If there is neither a field nor a fixed image.
        VolumeError: If an image cannot be used.

    Examples:
        A field that looks one voxel further along the first axis:

        >>> from pairs.fields.field import field_from_array
        >>> image = np.arange(3 * 4 * 5).reshape(3, 4, 5)
        >>> u = np.zeros((3, 4, 5, 3), np.float32)
        >>> u[..., 0] = 1
        >>> warped = warp(field_from_array(u, image)).image(image)
        >>> int(image[1, 0, 0]), int(warped[0, 0, 0])
        (20, 20)
    """
    first = next((step.grid for step in steps if isinstance(step, Field)), None)
    image = first if fixed is None else fixed
    if image is None:
        raise UsageError("no fixed image", expected="a field, or an image with `fixed`")
    grid_fixed = header_from(image)
    grid_moving = grid_fixed if moving is None else header_from(moving)
    grid = grid_moving if inverse else grid_fixed
    if like is not None:
        grid = header_from(like)
    return Warping(Pathway(grid_fixed, steps), grid_moving, grid, inverse)
