"""Fields made of fields: there and back again, and two in a row, on one grid and on two."""

import doctest
from pathlib import Path

import numpy as np
import pytest

from benchmarks.codec import smooth_field
from pairs.errors import DisplacementError, UsageError
from pairs.fields.field import Basis, Field, field_from_array
from pairs.images.given import volume
from pairs.images.header import Header
from transforms import derivedfields
from transforms.derivedfields import compose, invert
from transforms.field import read_field, write_field
from transforms.warping import warp

__all__: list[str] = []

SHAPE = (36, 32, 28)
OBLIQUE = np.array([[0, -1.5, 0.2, 20], [1.2, 0, 0.1, -3], [0, 0.1, 2, 1], [0, 0, 0, 1]])
POINTS = np.random.default_rng(0).uniform(10, 18, (40, 3))


def grid(shape: tuple[int, int, int], affine: np.ndarray) -> Header:
    return volume(np.zeros(shape), affine, name="grid.nii.gz").header


FIXED = grid(SHAPE, OBLIQUE)
# The same place in coarser voxels.
MOVING = grid((20, 30, 24), OBLIQUE @ np.diag([2, 1.2, 1.4, 1]))


def smooth(header: Header, reach: float, basis: Basis = "headers") -> Field:
    return field_from_array(smooth_field(header.shape, reach), header, basis=basis)


def test_the_example_runs() -> None:
    result = doctest.testmod(derivedfields)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("moving", [FIXED, MOVING], ids=["one grid", "two grids"])
@pytest.mark.parametrize("basis", ["headers", "voxels"])
def test_there_and_back_is_where_one_was(moving: Header, basis: Basis) -> None:
    field = smooth(FIXED, 3.0, basis)
    inverted = invert(field, moving)
    assert inverted.field.grid is moving
    assert inverted.figures.residual_max_vox <= 0.05
    there = warp(field, moving=moving).points(POINTS)
    assert np.linalg.norm(there.coordinates - POINTS, axis=1).max() > 0.5
    back = warp(inverted.field, moving=FIXED).points(there.coordinates)
    assert np.abs(back.coordinates - POINTS).max() < 0.1


def test_the_inverse_is_what_images_take_backwards() -> None:
    field, image = smooth(FIXED, 3.0), np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    backwards = warp(field, moving=MOVING, inverse=True).image(image)
    by_field = warp(invert(field, MOVING).field, moving=FIXED).image(image)
    assert np.abs(backwards - by_field)[4:-4, 4:-4, 4:-4].max() < 1e-3


def test_two_fields_and_a_map_are_one_field() -> None:
    turn = np.eye(4)
    turn[:3, 3] = (1.5, -2, 0.5)
    first, second = smooth(FIXED, 2.0), smooth(MOVING, 1.0)
    whole = compose(first, turn, second, moving=MOVING)
    one_by_one = warp(first, turn, second, moving=MOVING).points(POINTS).coordinates
    assert warp(whole, moving=MOVING).points(POINTS).coordinates == pytest.approx(one_by_one, abs=0.02)
    assert whole.basis == "headers"


@pytest.mark.parametrize("basis", ["headers", "voxels"])
def test_it_stays_so_in_a_file(tmp_path: Path, basis: Basis) -> None:
    """Where voxels count, the file has no affine; where the headers do, it has that of the fixed image."""
    moved = grid(SHAPE, OBLIQUE + np.array([[0, 0, 0, 4], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]))
    whole = compose(smooth(FIXED, 2.0, basis), smooth(FIXED, 1.0, basis), moving=moved)
    assert whole.basis == basis
    write_field(tmp_path / "u.nii.gz", whole)
    again = read_field(tmp_path / "u.nii.gz", FIXED)
    assert again.basis == basis
    both = [warp(one, moving=moved).points(POINTS).coordinates for one in (whole, again)]
    assert np.array_equal(*both)


def drawn_to_a_plane() -> Field:
    """All of the fixed image comes to lie in one plane; beyond it the border goes on."""
    u = np.zeros((*SHAPE, 3), np.float32)
    u[..., 0] = (10 - np.arange(SHAPE[0]))[:, None, None]
    return field_from_array(u, FIXED)


def test_where_nothing_leads_the_nearest_displacement_stands() -> None:
    inverted = invert(drawn_to_a_plane())
    assert inverted.figures.missing > 0
    assert set(np.unique(np.rint(inverted.field.displacement[..., 0]))) == {-10, 0, 25}
    assert not inverted.field.displacement[..., 1:].any()


def test_what_cannot_be_made_is_told() -> None:
    with pytest.raises(UsageError, match="nothing to compose"):
        compose()
    with pytest.raises(UsageError, match="a field to begin with"):
        compose(np.eye(4), smooth(FIXED, 1.0))
    beside = np.eye(4)
    beside[:3, 3] = (12, 14, 12)
    with pytest.raises(DisplacementError, match="an inverse nowhere"):
        invert(drawn_to_a_plane(), grid((1, 2, 2), OBLIQUE @ beside))
