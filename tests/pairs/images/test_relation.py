"""Two grids: related by their affines, by voxel sizes alone, or centre on centre."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pairs.images.header import Header, read_header
from pairs.images.relation import Matrix, relation_of

__all__: list[str] = []


def header(affine: Matrix, shape: tuple[int, int, int] = (20, 24, 28), *, placed: bool = True) -> Header:
    x, y, z = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    return Header(Path("a.nii"), shape, (x, y, z), affine, np.dtype(np.float32), placed=placed)


def at(*offset_mm: float, sizes_mm: tuple[float, float, float] = (1, 1, 1)) -> Matrix:
    affine = np.diag((*sizes_mm, 1.0))
    affine[:3, 3] = offset_mm
    return affine


def moved(matrix: Matrix, *point: float) -> list[float]:
    return (matrix @ (*point, 1.0))[:3].tolist()


def test_one_grid_is_related_by_the_identity(affine: np.ndarray) -> None:
    oblique = affine @ np.array([[0.8, -0.6, 0, 3], [0.6, 0.8, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]])
    relation = relation_of(header(oblique), header(oblique.copy()))
    assert np.array_equal(relation.to_moving_voxels(), np.eye(4))
    assert np.array_equal(relation.start, np.eye(4))
    assert (relation.basis, relation.overlap, relation.warnings) == ("affines", 1.0, ())


def test_voxels_are_related_through_both_affines() -> None:
    fixed, moving = header(at(10, 0, 0)), header(at(0, 0, 28, sizes_mm=(0.5, 2, -1)))
    relation = relation_of(fixed, moving)
    # The fixed voxel (1, 2, 3) lies at (11, 2, 3) mm.
    assert moved(relation.to_moving_voxels(), 1, 2, 3) == [22, 1, 25]
    shift = at(4, 0, 0)
    assert moved(relation.to_moving_voxels(shift), 1, 2, 3) == [30, 1, 25]
    assert moved(relation.within_fixed_voxels(shift), 1, 2, 3) == [5, 2, 3]


@pytest.mark.parametrize(("distance_mm", "apart"), [(0, False), (18, False), (19.9, True), (500, True)])
def test_grids_that_do_not_overlap_are_put_centre_on_centre(distance_mm: float, apart: bool) -> None:
    fixed, moving = header(at(0, 0, 0)), header(at(distance_mm, 0, 0))
    relation = relation_of(fixed, moving)
    assert (relation.basis == "centres") == apart
    assert relation.centre_distance_mm == pytest.approx(distance_mm)
    told = [text for text in relation.warnings if "centres are put together" in text]
    assert len(told) == apart
    if apart:
        assert f"{distance_mm:.0f} mm apart" in told[0]
        assert moved(relation.to_moving_voxels(relation.start), 3, 4, 5) == pytest.approx([3, 4, 5])
        # What is stored is measured from the headers all the same.
        assert moved(relation.to_moving_voxels(), 3, 4, 5) == pytest.approx([3 - distance_mm, 4, 5])


def test_a_small_image_inside_a_large_one_overlaps() -> None:
    """Of the large one it is a thousandth."""
    large, small = header(at(0, 0, 0), (100, 100, 100)), header(at(40, 40, 40), (10, 10, 10))
    for fixed, moving in ((large, small), (small, large)):
        relation = relation_of(fixed, moving)
        assert relation.basis == "affines"
        assert relation.overlap == 1
    (warning,) = relation_of(large, small).warnings
    assert "covers 0% of the fixed one only" in warning


@pytest.mark.parametrize("unplaced", ["fixed", "moving", "both"])
def test_without_an_orientation_sizes_alone_relate(affine: np.ndarray, unplaced: str) -> None:
    fixed = header(affine, (21, 25, 29), placed=unplaced == "moving")
    sizes = (3.0, 4.0, 6.0)
    bare = np.diag((-3.0, 4.0, 6.0, 1.0))
    if unplaced != "moving":
        fixed = header(np.diag((-1.5, 2.0, 3.0, 1.0)), (21, 25, 29), placed=False)
        if unplaced == "fixed":
            directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
            bare = at(5, 6, 7)
            bare[:3, :3] = directions * sizes
    moving = header(bare, (11, 13, 15), placed=unplaced == "fixed")
    relation = relation_of(fixed, moving)
    assert relation.basis == "sizes"
    (warning,) = relation.warnings
    assert "voxel sizes alone" in warning
    along = np.array(fixed.spacing_mm) / sizes
    found = np.array(moved(relation.to_moving_voxels(relation.start), 11, 12, 14))
    if unplaced == "both":
        # nibabel's reading of both: the same directions, and centres that are not compared.
        assert found - moved(relation.to_moving_voxels(relation.start), 10, 12, 14) == pytest.approx(
            [along[0], 0, 0]
        )
    assert found == pytest.approx(np.array([5, 6, 7]) + along * [1, 0, 0])


def test_a_header_says_whether_it_places_its_voxels(
    tmp_path: Path, patched: Callable[..., Path], ramp: Callable[..., np.ndarray]
) -> None:
    zero = (0).to_bytes(2, "little")
    # qform_code and sform_code.
    bare = patched(tmp_path / "a.nii", ramp(), (252, zero), (254, zero))
    assert not read_header(bare).placed
    assert read_header(patched(tmp_path / "b.nii", ramp())).placed
