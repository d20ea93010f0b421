"""The inverse: how far its places lead from the voxel, where there is none, and where there are several."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.codec import smooth_field
from pairs.fields.field import field_from_array
from pairs.fields.unfolding import folded_voxels
from pairs.images.header import Header
from transforms.inverse import Inverse, inverse_of, inverse_of_points
from transforms.pathway import Pathway

__all__: list[str] = []

SHAPE = (36, 32, 28)


def header(shape: tuple[int, int, int] = SHAPE, affine: NDArray[np.float64] | None = None) -> Header:
    return Header(Path("a.nii.gz"), shape, (1, 1, 1), np.eye(4) if affine is None else affine, np.dtype("f4"))


def measured(inverse: Inverse, pathway: Pathway) -> float:
    """The largest distance between a voxel and where its place leads, by another way of interpolation."""
    (u,) = pathway.stages(pathway.fixed, inverse.grid).displacements
    origins = np.moveaxis(inverse.origins, -1, 0).astype(np.float64)
    within = ((origins >= 0) & (origins <= np.array(SHAPE).reshape(3, 1, 1, 1) - 1)).all(axis=0)
    moved = origins + [ndimage.map_coordinates(u[..., axis], origins, order=1) for axis in range(3)]
    return float(np.linalg.norm(moved - np.indices(SHAPE), axis=0)[within].max())


def stretched(axis: int, width: float, reach: float) -> NDArray[np.float32]:
    """Two halves that are pulled apart: voxels in the middle are stretched by more than a voxel each."""
    u = np.zeros((*SHAPE, 3), np.float32)
    line = reach * np.tanh((np.arange(SHAPE[axis]) - SHAPE[axis] / 2) / width)
    u[..., axis] = line.reshape([-1 if one == axis else 1 for one in range(3)])
    return u


def swirled() -> NDArray[np.float32]:
    """A turn of up to 80 degrees about the middle, which fades out."""
    points = np.moveaxis(np.indices(SHAPE), 0, -1) - (np.array(SHAPE) - 1) / 2
    angle = np.deg2rad(80) * np.exp(-(points**2).sum(-1) / 200)
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = points[..., 0], points[..., 1]
    u = np.zeros((*SHAPE, 3), np.float32)
    u[..., 0], u[..., 1] = cos * x - sin * y - x, sin * x + cos * y - y
    return u


@pytest.mark.parametrize(
    "make",
    [lambda: smooth_field(SHAPE, 3.0), lambda: stretched(0, 2, 8), lambda: stretched(2, 0.7, 4), swirled],
    ids=["smooth", "stretched", "torn", "swirled"],
)
def test_without_folds_every_place_leads_to_its_voxel(make: Callable[[], NDArray[np.float32]]) -> None:
    """Also where tissue is stretched so far that the plain fixed point leads away."""
    u = make()
    assert not len(folded_voxels(u))
    pathway = Pathway(header(), (field_from_array(u, header()),))
    inverse = inverse_of(pathway, header())
    assert inverse.figures.missing == inverse.figures.folded == 0
    assert inverse.figures.residual_max_vox <= 0.05
    assert measured(inverse, pathway) <= 0.05
    assert inverse.figures.residual_p99_vox <= inverse.figures.residual_max_vox
    assert inverse.figures.outside < 0.3 * inverse.figures.voxels


def test_the_residual_is_what_is_reported() -> None:
    pathway = Pathway(header(), (field_from_array(smooth_field(SHAPE, 3.0), header()),))
    inverse = inverse_of(pathway, header())
    assert measured(inverse, pathway) == pytest.approx(inverse.figures.residual_max_vox, abs=1e-4)


def test_between_grids_with_an_affine_map_in_between() -> None:
    turned = np.array([[0, -1.5, 0, 40], [1.2, 0, 0, -4], [0, 0, 1.4, -3], [0, 0, 0, 1]])
    moving = header((26, 30, 22), turned)
    matrix = np.array([[0.98, -0.1, 0, 2], [0.1, 1.02, 0, -1], [0, 0.05, 1, 0], [0, 0, 0, 1]])
    pathway = Pathway(header(), (field_from_array(smooth_field(SHAPE, 2.0), header()), matrix))
    inverse = inverse_of(pathway, moving)
    origins = np.moveaxis(inverse.origins, -1, 0).reshape(3, -1).astype(np.float64)
    moved = pathway.stages(header(), moving).moved(origins).reshape(3, *moving.shape)
    assert np.linalg.norm(moved - np.indices(moving.shape), axis=0).max() < 0.05
    assert inverse.figures.missing == 0


def test_a_fold_is_counted_where_it_comes_to_lie() -> None:
    u = -stretched(0, 2, 6)
    inverse = inverse_of(Pathway(header(), (field_from_array(u, header()),)), header())
    found = np.argwhere(inverse.doubtful == 2)
    # The middle is turned over: its voxels come to lie up to some four voxels from it.
    assert inverse.figures.folded == len(found) > 0
    assert np.abs(found[:, 0] - SHAPE[0] / 2).max() < 8
    assert np.isfinite(inverse.origins[inverse.doubtful == 2]).all()


def test_a_gap_that_no_place_leads_to_is_missing() -> None:
    """All of the fixed image is drawn to one plane: the rest of the moving one comes from nowhere."""
    u = np.zeros((*SHAPE, 3), np.float32)
    u[..., 0] = (10 - np.arange(SHAPE[0]))[:, None, None]
    inverse = inverse_of(Pathway(header(), (field_from_array(u, header()),)), header())
    assert inverse.figures.missing > 0
    assert np.isnan(inverse.origins[inverse.doubtful == 1]).all()
    assert np.count_nonzero(inverse.doubtful == 1) <= inverse.figures.missing


def test_points_return_to_where_they_came_from() -> None:
    u = stretched(0, 0.7, 6)
    stages = Pathway(header(), (field_from_array(u, header()),)).stages(header(), header())
    points = np.random.default_rng(0).uniform(2, 26, (3, 200))
    assert inverse_of_points(stages, header(), stages.moved(points)) == pytest.approx(points, abs=0.05)
