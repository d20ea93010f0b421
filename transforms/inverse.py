"""The other direction: for each voxel of the moving grid, the place of the fixed image that leads there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairs.fields.unfolding import folded_voxels
from pairs.images.header import Header
from pairs.images.relation import Matrix
from pairs.images.sampling import Box, Places, each_block, inside
from transforms.pathway import Pathway, Stages
from transforms.rootsearch import fixed_point, newton

__all__ = ["Inverse", "InverseFigures", "inverse_of", "inverse_of_points"]

# A search that ends further away is handed on to a better one, and in the end has found nothing.
_GOOD_VOX, _FOUND_VOX = 0.01, 0.05
# What is left over begins anew at the fixed voxels that come to lie nearest: the nearest few, of so many.
_SEEDS, _MOST_SEEDS = 4, 400_000
_PORTION = 100_000


@dataclass(frozen=True)
class InverseFigures:
    """How good an inverse is.

    Attributes:
        voxels: Voxels of the grid.
        residual_max_vox: The largest distance between a voxel and where its place leads, of the voxels whose
            place was found in the fixed image; in voxels of the grid.
        residual_p99_vox: The distance that 99 % of them do not exceed.
        missing: Voxels to which no place was found to lead.
        folded: Voxels in which the field folds, so that several places lead there; one of them was taken.
        outside: Voxels whose place lies outside the fixed image.
    """

    voxels: int
    residual_max_vox: float
    residual_p99_vox: float
    missing: int
    folded: int
    outside: int


@dataclass(frozen=True, eq=False)
class Inverse:
    """An inverse on a grid.

    Attributes:
        grid: Header of the grid.
        origins: (U, V, W, 3) float32, places in voxels of the fixed grid; NaN where there is none.
        figures: How good they are.
        doubtful: (U, V, W) uint8: 1 where no place was found, 2 where the field folds, else 0.
    """

    grid: Header
    origins: NDArray[np.float32]
    figures: InverseFigures
    doubtful: NDArray[np.uint8]

    def places(self, stages: Stages) -> Places:
        """Returns where the voxels of the grid lie in an image of the fixed space.

        Args:
            stages: The way from the fixed grid to that image.
        """

        def find(block: Box) -> Matrix:
            return stages.moved(np.moveaxis(self.origins[block], -1, 0).astype(np.float64))

        return find


def inverse_of(pathway: Pathway, grid: Header) -> Inverse:
    """Inverts a way on a grid of the moving space.

    Args:
        pathway: The way from the fixed image to the moving one.
        grid: The moving image's grid, or another one in its space.
    """
    stages = pathway.stages(pathway.fixed, grid)
    origins = np.empty((3, *grid.shape), dtype=np.float32)
    distances = np.empty(grid.shape, dtype=np.float32)

    def fill(block: Box) -> None:
        targets = _voxels(block)
        points, distance = fixed_point(stages.moved, targets.reshape(3, -1), stages.linear())
        left = np.flatnonzero(distance > _GOOD_VOX)
        if left.size:
            points[:, left], distance[left] = newton(
                stages.moved, targets.reshape(3, -1)[:, left], points[:, left]
            )
        origins[:, *block] = points.reshape(targets.shape)
        distances[block] = distance.reshape(targets.shape[1:])

    each_block(fill, grid.shape)
    left = np.argwhere(distances > _FOUND_VOX).T
    for portion in _portions(left):
        points, distance = _searched_from_seeds(stages, pathway.fixed, portion.astype(np.float64))
        better = distance < distances[*portion]
        origins[:, *portion[:, better]] = points[:, better]
        distances[*portion[:, better]] = distance[better]
    return _judged(pathway.fixed, stages, grid, origins, distances)


def inverse_of_points(stages: Stages, fixed: Header, points: Matrix) -> Matrix:
    """Returns where moving points come from, (3, N) in voxels of the fixed grid; NaN for nowhere.

    Args:
        stages: The way from the fixed grid to the grid in whose voxels the points are.
        fixed: Header of the fixed image.
        points: (3, N).
    """
    found, distance = fixed_point(stages.moved, points, stages.linear())
    left = np.flatnonzero(distance > _GOOD_VOX)
    if left.size:
        found[:, left], distance[left] = newton(stages.moved, points[:, left], found[:, left])
        left = np.flatnonzero(distance > _FOUND_VOX)
    if left.size:
        found[:, left], distance[left] = _searched_from_seeds(stages, fixed, points[:, left])
    found[:, distance > _FOUND_VOX] = np.nan
    return found


def _searched_from_seeds(stages: Stages, fixed: Header, targets: Matrix) -> tuple[Matrix, Matrix]:
    """Newton's steps from the fixed voxels that come to lie nearest to the targets (3, N)."""
    # Few fields need it, and it takes longer to load than all the rest.
    from scipy.spatial import KDTree

    step = 1
    while np.prod([-(-side // step) for side in fixed.shape]) > _MOST_SEEDS:
        step += 1
    lattice = np.stack(np.meshgrid(*(np.arange(0.0, side, step) for side in fixed.shape), indexing="ij"))
    seeds = lattice.reshape(3, -1)
    _, nearest = KDTree(stages.moved(seeds).T).query(targets.T, k=min(_SEEDS, seeds.shape[1]))
    best = np.full(targets.shape, np.nan)
    distances = np.full(targets.shape[1], np.inf)
    for number in nearest.reshape(targets.shape[1], -1).T:
        points, distance = newton(stages.moved, targets, seeds[:, number])
        better = distance < distances
        best[:, better], distances[better] = points[:, better], distance[better]
    return best, distances


def _judged(
    fixed: Header, stages: Stages, grid: Header, origins: NDArray[np.float32], distances: NDArray[np.float32]
) -> Inverse:
    missing = distances > _FOUND_VOX
    origins[:, missing] = np.nan
    within = inside(origins, fixed.shape)
    residuals = distances[within]
    folded = _folded(stages, grid) & within
    figures = InverseFigures(
        voxels=distances.size,
        residual_max_vox=float(residuals.max(initial=0.0)),
        residual_p99_vox=float(np.percentile(residuals, 99)) if residuals.size else 0.0,
        missing=int(np.count_nonzero(missing)),
        folded=int(np.count_nonzero(folded)),
        outside=int(np.count_nonzero(~within & ~missing)),
    )
    doubtful = missing.astype(np.uint8)
    doubtful[folded] = 2
    return Inverse(grid, np.moveaxis(origins, 0, -1), figures, doubtful)


def _folded(stages: Stages, grid: Header) -> NDArray[np.bool_]:
    """Voxels of a grid next to where a fold of a displacement comes to lie."""
    found = np.zeros(grid.shape, dtype=bool)
    for number, displacement in enumerate(stages.displacements):
        rest = Stages((np.eye(4), *stages.matrices[number + 1 :]), stages.displacements[number:])
        for portion in _portions(folded_voxels(displacement).T):
            places = rest.moved(portion.astype(np.float64))
            for corner in np.ndindex(2, 2, 2):
                voxels = np.floor(places).astype(np.intp) + np.array(corner)[:, None]
                on_grid = ((voxels >= 0) & (voxels < np.array(grid.shape)[:, None])).all(axis=0)
                found[tuple(voxels[:, on_grid])] = True
    return found


def _voxels(block: Box) -> Matrix:
    ranges = (np.arange(axis.start, axis.stop, dtype=np.float64) for axis in block)
    return np.stack(np.meshgrid(*ranges, indexing="ij"))


def _portions(columns: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for start in range(0, columns.shape[1], _PORTION):
        yield columns[:, start : start + _PORTION]
