"""Two images, and their regions, on one coarse lattice of cubes, each over its own field of view."""

import itertools
from dataclasses import dataclass

import numpy as np
import torch

from pairs.images.relation import Matrix
from pairs.images.sampling import sampled_labels, sampled_linearly
from pipeline.typing import Float, Tensor

__all__ = ["Lattice", "Placed", "lattice_of"]

# Of the moving image's lattice, over the number of voxels that was asked for.
_MOST_TIMES = 8


@dataclass(frozen=True, eq=False)
class Placed:
    """An image in 0..1 in space.

    Attributes:
        values: (X, Y, Z) float32.
        affine: Voxels to points of its space in mm, (4, 4).
        regions: Number of the region of each voxel, (X, Y, Z), 0 for background; None where they are unknown.
    """

    values: np.ndarray
    affine: Matrix
    regions: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Lattice:
    """Two images with cubes for voxels, along the axes of the fixed one.

    Attributes:
        fixed: The fixed image.
        moving: The moving image, where `start` places it.
        offset: Index of the moving image's first voxel, counted from the fixed image's first.
        affine: Indices, counted from the fixed image's first voxel, to points of the fixed image's space.
        fixed_regions: Of the fixed image: a channel of zeros and ones for the background and for each region
            that both images have; none where the regions of one image are unknown.
        moving_regions: The same of the moving image.
    """

    fixed: Float[Tensor, "1 1 X Y Z"]
    moving: Float[Tensor, "1 1 U V W"]
    offset: tuple[int, int, int]
    affine: Matrix
    fixed_regions: Float[Tensor, "1 N X Y Z"]
    moving_regions: Float[Tensor, "1 N U V W"]

    def in_space(self, matrix: Matrix) -> Matrix:
        """A map of indices as one of points of the fixed image's space."""
        found: Matrix = self.affine @ matrix @ np.linalg.inv(self.affine)
        return found


def lattice_of(fixed: Placed, moving: Placed, start: Matrix, voxels: int, device: torch.device) -> Lattice:
    """Brings both images on one lattice.

    Args:
        fixed: The fixed image.
        moving: The moving image.
        start: Points of the fixed image's space to points of the moving image's.
        voxels: About how many the fixed image gets; fewer where the moving image is far larger.
        device: Where the lattice is.
    """
    spacing = np.linalg.norm(fixed.affine[:3, :3], axis=0)
    extent = spacing * fixed.values.shape
    to_fixed_space = np.linalg.inv(start) @ moving.affine
    ratio = abs(np.linalg.det(to_fixed_space)) * moving.values.size / extent.prod()
    side = float(np.cbrt(extent.prod() / voxels * max(1.0, ratio / _MOST_TIMES)))
    # Index k stands for the cube from k to k + 1 sides behind the fixed image's first face.
    to_voxels = np.diag([*(side / spacing), 1.0])
    to_voxels[:3, 3] = 0.5 * side / spacing - 0.5
    affine = fixed.affine @ to_voxels
    x, y, z = (max(1, int(np.ceil(length / side - 0.01))) for length in extent)
    corners = np.array(list(itertools.product(*((-0.5, n - 0.5) for n in moving.values.shape))))
    found = corners @ (matrix := np.linalg.inv(affine) @ to_fixed_space)[:3, :3].T + matrix[:3, 3]
    first, last = np.floor(found.min(0)).astype(int), np.ceil(found.max(0)).astype(int)
    u, v, w = (int(length) for length in np.maximum(last - first + 1, 1))
    shifted = np.eye(4)
    shifted[:3, 3] = first
    to_moving_voxels = np.linalg.inv(moving.affine) @ start @ affine @ shifted
    grids = ((fixed, (x, y, z), to_voxels), (moving, (u, v, w), to_moving_voxels))
    here, there = (
        torch.from_numpy(sampled_linearly(image.values, shape, matrix, smoothed=True))[None, None].to(device)
        for image, shape, matrix in grids
    )
    shared = _shared(fixed.regions, moving.regions)
    maps = (_region_maps(image.regions, shared, shape, matrix, device) for image, shape, matrix in grids)
    return Lattice(here, there, (int(first[0]), int(first[1]), int(first[2])), affine, *maps)


def _shared(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray:
    """The regions that both images have, background first; none at all where one has no regions."""
    if one is None or other is None:
        return np.array([], dtype=np.int64)
    return np.union1d([0], np.intersect1d(one, other))


def _region_maps(
    regions: np.ndarray | None,
    shared: np.ndarray,
    shape: tuple[int, int, int],
    matrix: Matrix,
    device: torch.device,
) -> Float[Tensor, "1 N X Y Z"]:
    """A channel for each of the shared regions."""
    if regions is None:
        return torch.zeros(1, 0, *shape, device=device)
    found = sampled_labels(regions, shape, matrix) == shared[:, None, None, None]
    return torch.from_numpy(found.astype(np.float32))[None].to(device)
