"""Scans of one drawn object on grids of any shape, spacing and direction, as files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from pairs.images.relation import Matrix
from pairs.images.volume import write_volume

__all__ = ["drawn", "grids"]


@dataclass(frozen=True)
class Grid:
    """A grid: sides, and voxels to millimetres."""

    shape: tuple[int, int, int]
    affine: Matrix

    def points_mm(self) -> np.ndarray:
        """Where its voxels lie, (X, Y, Z, 3)."""
        return np.moveaxis(np.indices(self.shape), 0, -1) @ self.affine[:3, :3].T + self.affine[:3, 3]


def object_at(points_mm: np.ndarray) -> np.ndarray:
    """Two smooth blobs, the same whatever grid they are seen on; 0 to about 100."""
    value = np.zeros(points_mm.shape[:-1])
    for centre, width, height in (((2, -3, 1), 9.0, 100.0), ((-7, 6, -5), 5.0, 60.0)):
        value += height * np.exp(-((points_mm - centre) ** 2).sum(-1) / (2 * width**2))
    return value


def labels_at(points_mm: np.ndarray) -> np.ndarray:
    """Each blob's middle, labels 1 and 4."""
    labels = np.zeros(points_mm.shape[:-1], np.uint8)
    labels[((points_mm - (2, -3, 1)) ** 2).sum(-1) < 64] = 1
    labels[((points_mm - (-7, 6, -5)) ** 2).sum(-1) < 25] = 4
    return labels


def centred(
    shape: tuple[int, int, int], sizes_mm: tuple[float, float, float], degrees: float = 0, tilt: float = 0
) -> Grid:
    """A grid around the origin, turned about the third axis and tilted about the first."""
    a, b = np.deg2rad([degrees, tilt])
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    lean = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ lean @ np.diag(sizes_mm)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(shape, affine)


@pytest.fixture(scope="session")
def grids() -> dict[str, Grid]:
    """Grids that all hold the object, by name."""
    return {
        "plain": centred((32, 32, 32), (2, 2, 2)),
        "oblique": centred((40, 36, 30), (1.7, 1.9, 2.3), 25, 15),
        "flat": centred((48, 48, 14), (1.4, 1.4, 5.0), -10),
        "mirrored": centred((32, 32, 32), (-2, 2, -2)),
        "fine": centred((80, 80, 80), (0.8, 0.8, 0.8), 8, -12),
    }


@pytest.fixture
def drawn(tmp_path: Path) -> Callable[..., Path]:
    """A function that draws the object, or its labels, on a grid; `to_object` moves points there."""

    def draw(name: str, grid: Grid, to_object: Matrix | None = None, *, labels: bool = False) -> Path:
        points = grid.points_mm()
        if to_object is not None:
            points = points @ to_object[:3, :3].T + to_object[:3, 3]
        array = labels_at(points) if labels else object_at(points).astype(np.float32)
        write_volume(tmp_path / name, array, grid.affine)
        return tmp_path / name

    return draw
