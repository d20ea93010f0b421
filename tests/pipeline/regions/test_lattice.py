"""The segmentor's grid: places agree in millimetres, values come back where they were."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pairs.images.header import Header
from pipeline.regions.config import LatticeConfig, SegmentorConfig
from pipeline.regions.lattice import Lattice, lattice_of

__all__: list[str] = []

BTCV = SegmentorConfig(orientation="RAS", spacing_mm=(1.5, 1.5, 2.0))


def header(affine: np.ndarray, shape: tuple[int, int, int]) -> Header:
    x, y, z = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    return Header(Path("a.nii"), shape, (x, y, z), affine, np.dtype(np.float32))


def places(affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Millimetres of every voxel, (3, X, Y, Z)."""
    return np.einsum("ij,jxyz->ixyz", affine[:3, :3], np.indices(shape)) + affine[:3, 3].reshape(3, 1, 1, 1)


# Voxels run to the left, to the head and to the back, and are 2 x 3 x 1 mm.
TURNED = np.array([[-2.0, 0, 0, 40], [0, 0, -1, 30], [0, 3, 0, -20], [0, 0, 0, 1]])


def test_the_lattice_lies_in_the_patient_as_asked_for() -> None:
    shape = (25, 14, 31)
    lattice = lattice_of(header(TURNED, shape), BTCV)
    right, front, head = (lattice.from_image(place) for place in places(TURNED, shape))
    # 24 gaps of 2 mm, 30 of 1 mm, 13 of 3 mm; grids begin in the same voxel, and 39 mm are not 2 mm times 20.
    assert right.shape == lattice.shape == (33, 21, 21)
    inside = (slice(None), slice(None), slice(0, -1))
    np.testing.assert_allclose(np.diff(right, axis=0), 1.5, atol=1e-4)
    np.testing.assert_allclose(np.diff(front, axis=1), 1.5, atol=1e-4)
    np.testing.assert_allclose(np.diff(head[inside], axis=2), 2, atol=1e-4)
    assert (right[0, 0, 0], front[0, 0, 0], head[0, 0, 0]) == (-8, 0, -20)


@pytest.mark.parametrize("affine", [np.eye(4), TURNED])
def test_a_linear_field_comes_back(affine: np.ndarray) -> None:
    """Trilinear interpolation is exact for it, but for what lies beyond the last voxel of the lattice."""
    shape = (25, 14, 31)
    place = places(affine, shape)
    lattice = lattice_of(header(affine, shape), BTCV)
    field = (place[0] + 2 * place[1] - place[2]).astype(np.float32)
    back = lattice.to_image(torch.from_numpy(lattice.from_image(field)))
    assert back.shape == shape
    middle = (slice(2, -2),) * 3
    np.testing.assert_allclose(back[middle], field[middle], atol=1e-4)
    assert np.abs(back - field).max() < 6


def test_without_settings_nothing_changes() -> None:
    image = np.random.default_rng(0).random((5, 6, 7), np.float32)
    lattice = lattice_of(header(TURNED, image.shape), SegmentorConfig())
    assert np.array_equal(lattice.from_image(image), image)
    assert np.array_equal(lattice.to_image(torch.from_numpy(image)), image)


def test_axes_lie_as_the_configuration_says() -> None:
    """Those of FreeSurfer's conform: to the left, to the feet, to the front."""
    shape = (5, 6, 7)
    lattice = lattice_of(header(TURNED, shape), LatticeConfig(orientation="LIA"))
    right, front, head = (lattice.from_image(place) for place in places(TURNED, shape))
    assert (np.diff(right, axis=0) < 0).all()
    assert (np.diff(head, axis=1) < 0).all()
    assert (np.diff(front, axis=2) > 0).all()


def test_a_side_of_one_voxel(monkeypatch: pytest.MonkeyPatch) -> None:
    lattice: Lattice = lattice_of(header(np.diag([2.0, 2, 2, 1]), (1, 4, 3)), BTCV)
    assert lattice.shape == (1, 5, 3)
    assert lattice.to_image(torch.full(lattice.shape, 0.5)).tolist() == np.full((1, 4, 3), 0.5).tolist()


@pytest.mark.parametrize("config", [LatticeConfig(orientation="RAS"), BTCV])
def test_a_displacement_comes_back_as_the_same_way_in_millimetres(config: LatticeConfig) -> None:
    shape = (25, 14, 31)
    lattice = lattice_of(header(TURNED, shape), config)
    way_mm = np.array([3.0, -2.0, 5.0])
    spacing = config.spacing_mm or (2.0, 1.0, 3.0)
    on_lattice = np.broadcast_to((way_mm / spacing).astype(np.float32), (*lattice.shape, 3))
    found = lattice.displacement_to_image(on_lattice)
    assert found.shape == (*shape, 3)
    np.testing.assert_allclose(found @ TURNED[:3, :3].T, np.broadcast_to(way_mm, found.shape), atol=1e-5)


def test_labels_are_those_of_the_nearest_voxel() -> None:
    shape = (25, 14, 31)
    lattice = lattice_of(header(TURNED, shape), BTCV)
    labels = np.random.default_rng(0).integers(0, 9, shape, np.uint8)
    found = lattice.nearest_from_image(labels)
    assert (found.shape, found.dtype) == (lattice.shape, np.uint8)
    # 1.5 mm in voxels of 1 mm along the back-to-front axis, whose first voxel is the file's last.
    turned = labels.transpose(0, 2, 1)[::-1, ::-1]
    assert np.array_equal(found[:, 2, 0], turned[np.rint(np.arange(33) * 0.75).astype(int), 3, 0])


def test_a_grid_that_is_only_turned_loses_nothing() -> None:
    lattice = lattice_of(header(TURNED, (5, 6, 7)), LatticeConfig(orientation="RAS"))
    image = np.random.default_rng(0).random((5, 6, 7), np.float32)
    assert np.array_equal(lattice.to_image(torch.from_numpy(lattice.from_image(image))), image)
    assert np.array_equal(lattice.order.undo(lattice.nearest_from_image(image)), image)
