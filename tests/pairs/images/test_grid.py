"""What counts as one grid, and what is only told because hosts compare voxels alone."""

from pathlib import Path

import numpy as np
import pytest

from pairs.errors import GridMismatch
from pairs.images.grid import affine_warnings, orientation_warnings, require_same_grid, require_same_shape
from pairs.images.header import Header

__all__: list[str] = []


def header(affine: np.ndarray, name: str = "a.nii", shape: tuple[int, int, int] = (5, 4, 3)) -> Header:
    x, y, z = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    return Header(Path("imagesTr", name), shape, (x, y, z), affine, np.dtype(np.float32))


def shifted(affine: np.ndarray, shift_mm: float) -> Header:
    moved = affine.copy()
    moved[0, 3] += shift_mm
    return header(moved, "b.nii")


def test_same_grid_is_shape_and_affine_within_half_a_voxel(affine: np.ndarray) -> None:
    reference = header(affine)
    assert require_same_grid(reference, shifted(affine, 0.0005)) == ()
    (warning,) = require_same_grid(reference, shifted(affine, 0.002))
    assert "affine of imagesTr/b.nii differs from imagesTr/a.nii by up to 0.002" in warning
    with pytest.raises(GridMismatch, match=r"affine differs.*b\.nii.*within 0\.5 voxels"):
        require_same_grid(reference, shifted(affine, 2))
    with pytest.raises(GridMismatch, match=r"expected \(5, 4, 3\), got \(5, 3, 4\)"):
        require_same_grid(reference, header(affine, shape=(5, 3, 4)))


def test_whoever_compares_voxels_alone_is_told_of_any_other_affine(affine: np.ndarray) -> None:
    require_same_shape(header(affine), shifted(affine, 50))
    assert affine_warnings(header(affine), shifted(affine, 0)) == ()
    assert "by up to 50" in affine_warnings(header(affine), shifted(affine, 50))[0]
    with pytest.raises(GridMismatch, match="shape differs"):
        require_same_shape(header(affine), header(affine, shape=(5, 3, 4)))


def test_axes_that_run_another_way_are_told_and_tilted_ones_are_not(affine: np.ndarray) -> None:
    fixed = header(np.diag([1.0, 1, 2, 1]))
    mirrored = header(np.diag([-1.0, 1, 2, 1]), "m.nii")
    exchanged = header(np.array([[0, 1.0, 0, 0], [1, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]]), "e.nii")
    cosine, sine = np.cos(np.pi / 6), np.sin(np.pi / 6)
    tilted = header(np.array([[cosine, sine, 0, 9], [-sine, cosine, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]]))
    assert (
        "axes of imagesTr/m.nii run LAS and those of imagesTr/a.nii RAS"
        in orientation_warnings(fixed, mirrored)[0]
    )
    assert orientation_warnings(fixed, exchanged)
    assert orientation_warnings(fixed, tilted) == ()
    assert orientation_warnings(fixed, fixed) == ()
