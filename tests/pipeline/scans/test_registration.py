"""Two scans on grids of their own: the known map comes back, however they are stored."""

import itertools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from pairs.errors import TooLittleMemory, VolumeError
from pairs.images.volume import Volume, read_image, write_volume
from pipeline.machine import memorylimit
from pipeline.regions.segmentor import Segmentation
from pipeline.scans.method import ScanMethod
from pipeline.scans.reading import ScanInputs
from pipeline.scans.registration import RegisteredScans, register_inputs

__all__: list[str] = []

CPU = torch.device("cpu")
Draw = Callable[..., Path]
Grids = dict[str, Any]

TURN = np.deg2rad(6)
SHIFT = np.array(
    [[np.cos(TURN), -np.sin(TURN), 0, 4], [np.sin(TURN), np.cos(TURN), 0, -3], [0, 0, 1.05, 2], [0, 0, 0, 1]]
)
"""A known affine map of fixed points to moving ones."""


def aligned_by(matrix: np.ndarray, seen: list[Any] | None = None) -> ScanMethod:
    """A method whose global stage knows the answer."""

    def align(
        fixed: object, moving: object, start: np.ndarray, *labels: object
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        if seen is not None:
            seen.append((fixed, moving, start, *labels))
        return matrix @ start, ()

    return ScanMethod("affine", CPU, align=align)


def same_object(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two images show it in one place, away from the border, where either may end.

    Linear interpolation takes up to 8 off the narrow blob on grids of 5 mm; a shift by 2 mm is 13 elsewhere.
    """
    difference = np.abs(one.astype(float) - other)[6:-6, 6:-6, 4:-4]
    return bool(difference.mean() < 0.7 and difference.max() < 9)


@pytest.mark.parametrize(
    ("fixed", "moving"),
    [*itertools.product(("plain", "oblique", "flat", "mirrored"), repeat=2), ("plain", "fine")],
)
def test_headers_alone_relate_what_lies_in_one_place(
    drawn: Draw, grids: Grids, fixed: str, moving: str
) -> None:
    files = ScanInputs(drawn("f.nii.gz", grids[fixed]), drawn("m.nii.gz", grids[moving]))
    found = register_inputs(files, ScanMethod("affine", CPU))
    assert np.abs(found.displacement).max() == 0
    assert same_object(found.warped(), read_image(files.fixed).array)


@pytest.mark.parametrize(
    ("fixed", "moving"), [("plain", "plain"), ("oblique", "flat"), ("mirrored", "oblique"), ("flat", "fine")]
)
def test_a_known_affine_map_comes_back(drawn: Draw, grids: Grids, fixed: str, moving: str) -> None:
    """The moving object lies where the map takes the fixed one."""
    files = ScanInputs(
        drawn("f.nii.gz", grids[fixed]), drawn("m.nii.gz", grids[moving], np.linalg.inv(SHIFT))
    )
    found = register_inputs(files, aligned_by(SHIFT))
    assert np.array_equal(found.matrix, SHIFT)
    target = read_image(files.fixed).array
    assert same_object(found.warped(), target)
    assert not same_object(found.before(), target)
    # The stored displacement, by the formula of docs/conventions.md.
    voxel = np.array([15, 17, 7])
    point = grids[fixed].affine @ (*(voxel + found.displacement[tuple(voxel)]), 1)
    assert point[:3] == pytest.approx((SHIFT @ grids[fixed].affine @ (*voxel, 1))[:3], abs=1e-4)


def test_the_displacement_is_that_on_the_fixed_grid_after_the_affine_map(drawn: Draw, grids: Grids) -> None:
    """x -> matrix (x + u(x)): a deformation of three voxels, and a quarter of a turn of the moving grid."""
    u = np.zeros((32, 32, 32, 3), np.float32)
    u[..., 1] = 3
    given = []

    def deform(moving: Volume, fixed: Volume, *regions: object) -> SimpleNamespace:
        given.append((moving, fixed))
        return SimpleNamespace(displacement=u, warnings=("odd",))

    grid = grids["plain"]
    files = ScanInputs(drawn("f.nii.gz", grid), drawn("m.nii.gz", grids["oblique"]))
    method = ScanMethod("both", CPU, align=lambda *_: (SHIFT, ("turned",)), deform=deform)
    found = register_inputs(files, method)
    ((moving, fixed),) = given
    assert moving.header.shape == fixed.header.shape == (32, 32, 32)
    assert np.array_equal(moving.header.affine, fixed.header.affine)
    assert found.warnings == ("turned", "odd")
    x = np.array([10, 11, 12])
    expected = SHIFT @ grid.affine @ (10, 14, 12, 1)
    assert grid.affine @ (*(x + found.displacement[10, 11, 12]), 1) == pytest.approx(expected, abs=1e-4)


def test_on_one_grid_the_moving_image_is_taken_as_it_is(drawn: Draw, grids: Grids) -> None:
    files = ScanInputs(drawn("f.nii.gz", grids["oblique"]), drawn("m.nii.gz", grids["oblique"], SHIFT))
    u = np.random.default_rng(0).random((40, 36, 30, 3), np.float32)

    def deform(moving: Volume, fixed: Volume, *regions: object) -> SimpleNamespace:
        assert np.array_equal(moving.array, read_image(files.moving).array)
        return SimpleNamespace(displacement=u, warnings=())

    found = register_inputs(files, ScanMethod("network", CPU, deform=deform))
    assert found.displacement is u


@pytest.mark.parametrize("flips", list(itertools.product((False, True), repeat=3)))
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_how_the_moving_image_is_stored_changes_nothing(
    drawn: Draw, grids: Grids, tmp_path: Path, flips: tuple[bool, ...], order: tuple[int, int, int]
) -> None:
    files = ScanInputs(drawn("f.nii.gz", grids["plain"]), drawn("m.nii.gz", grids["oblique"]))
    moving = read_image(files.moving)
    storage = np.zeros((4, 4))
    storage[3, 3] = 1
    array = moving.array.transpose(order)
    for new, (old, flip) in enumerate(zip(order, flips, strict=True)):
        storage[old, new] = -1 if flip else 1
        storage[old, 3] = moving.header.shape[old] - 1 if flip else 0
        array = np.flip(array, new) if flip else array
    other = tmp_path / "stored.nii.gz"
    write_volume(other, np.ascontiguousarray(array), moving.header.affine @ storage)
    method = aligned_by(SHIFT)
    first, second = (register_inputs(ScanInputs(files.fixed, path), method) for path in (files.moving, other))
    assert second.warped() == pytest.approx(first.warped(), abs=0.02)
    assert second.displacement == pytest.approx(first.displacement, abs=1e-3)


def test_labels_go_along_and_reach_the_deformation_as_regions(drawn: Draw, grids: Grids) -> None:
    fixed, moving = grids["plain"], grids["oblique"]
    files = ScanInputs(
        drawn("f.nii.gz", fixed),
        drawn("m.nii.gz", moving, np.linalg.inv(SHIFT)),
        drawn("fl.nii.gz", fixed, labels=True),
        drawn("ml.nii.gz", moving, np.linalg.inv(SHIFT), labels=True),
    )
    regions, aligned_with = list[Any](), list[Any]()

    def align(*given: object) -> tuple[np.ndarray, tuple[str, ...]]:
        aligned_with.extend(given[3:])
        return SHIFT, ()

    def deform(moving: Volume, fixed: Volume, *given: Segmentation | None) -> SimpleNamespace:
        regions.extend(given)
        return SimpleNamespace(displacement=np.zeros((32, 32, 32, 3), np.float32), warnings=())

    method = ScanMethod("both", CPU, align=align, deform=deform)
    found = register_inputs(files, method)
    assert aligned_with == [found.scans.fixed_labels, found.scans.moving_labels]
    of_moving, of_fixed, mask = regions
    assert mask is None
    # Index 2 is label 4.
    assert set(np.unique(of_fixed.labels)) == {0, 1, 2}
    assert (of_moving.labels != of_fixed.labels).mean() < 0.01
    labels = found.moving_labels()
    assert labels is not None
    truth = found.scans.fixed_labels
    assert truth is not None
    assert (labels[0] != truth.array).mean() > 0.01
    assert (labels[1] != truth.array).mean() < 0.01


def test_the_global_stage_sees_both_images_on_their_own_grids(drawn: Draw, grids: Grids) -> None:
    far = np.eye(4)
    far[:3, 3] = (500, 0, 0)
    near = grids["oblique"]
    apart = type(near)(near.shape, far @ near.affine)
    seen: list[Any] = []
    files = ScanInputs(drawn("f.nii.gz", grids["plain"]), drawn("m.nii.gz", apart, np.linalg.inv(far)))
    found = register_inputs(files, aligned_by(np.eye(4), seen))
    ((fixed, moving, start, *labels),) = seen
    assert labels == [None, None]
    assert (fixed.header.shape, moving.header.shape) == ((32, 32, 32), (40, 36, 30))
    assert start == pytest.approx(far, abs=1e-5)
    assert any("500 mm apart" in text for text in found.warnings)
    # The stored displacement begins with the headers, 500 mm away.
    assert found.displacement[..., 0] == pytest.approx(np.full((32, 32, 32), 250), abs=1e-3)
    assert same_object(found.warped(), read_image(files.fixed).array)
    assert found.before() == pytest.approx(found.warped(), abs=1e-3)


@pytest.mark.parametrize(
    ("dtype", "written"),
    [("int16", "int16"), ("uint8", "uint8"), ("int32", "float32"), ("float64", "float32")],
)
def test_the_warped_image_has_the_number_type_of_the_moving_one(
    drawn: Draw, grids: Grids, tmp_path: Path, dtype: str, written: str
) -> None:
    fixed, moving = drawn("f.nii.gz", grids["plain"]), read_image(drawn("m.nii.gz", grids["oblique"]))
    stored = tmp_path / "stored.nii.gz"
    write_volume(stored, np.rint(moving.array).astype(dtype), moving.header.affine)
    found: RegisteredScans = register_inputs(ScanInputs(fixed, stored), ScanMethod("affine", CPU))
    warped = found.warped()
    assert warped.dtype == written
    assert same_object(warped, read_image(fixed).array)


def test_a_large_need_is_told_before_a_voxel_is_read(
    drawn: Draw, grids: Grids, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ScanInputs(drawn("f.nii.gz", grids["plain"]), drawn("m.nii.gz", grids["fine"]))
    # Cut off behind its header: reading it would be another error.
    files.moving.write_bytes(files.moving.read_bytes()[:-200_000])
    monkeypatch.setattr(memorylimit, "memory_of", lambda device: 3 * 2**30)
    greedy = ScanMethod("greedy", CPU, footprint=lambda fixed: 10**6 * 32**3)
    with pytest.raises(TooLittleMemory, match=r"expected about 3\d\.\d GiB, got 3\.0 GiB on the machine"):
        register_inputs(files, greedy)


def test_a_moving_image_that_misses_the_fixed_grid_is_refused(drawn: Draw, grids: Grids) -> None:
    files = ScanInputs(drawn("f.nii.gz", grids["plain"]), drawn("m.nii.gz", grids["flat"]))
    away = np.eye(4)
    away[0, 3] = 1000
    method = ScanMethod("both", CPU, align=lambda *_: (away, ()), deform=lambda *_: pytest.fail("asked"))
    with pytest.raises(VolumeError, match=r"nothing of the moving image lies on the fixed grid: .*m\.nii"):
        register_inputs(files, method)


def test_without_a_change_before_and_after_are_equal(drawn: Draw, grids: Grids) -> None:
    """Though the moving image is much finer, and is smoothed for the deformation."""
    files = ScanInputs(drawn("f.nii.gz", grids["flat"]), drawn("m.nii.gz", grids["fine"]))
    found = register_inputs(files, ScanMethod("affine", CPU))
    assert np.array_equal(found.before(), found.warped())


def test_a_mask_that_the_method_does_not_use_is_told(drawn: Draw, grids: Grids) -> None:
    grid = grids["plain"]
    mask = drawn("mask.nii.gz", grid, labels=True)
    files = ScanInputs(drawn("f.nii.gz", grid), drawn("m.nii.gz", grids["flat"]), mask=mask)
    found = register_inputs(files, aligned_by(np.eye(4)))
    assert any("uses no mask" in text for text in found.warnings)
    assert found.scans.mask is not None
    assert found.scans.mask.dtype == bool
