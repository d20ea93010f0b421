"""A pair on two grids with a known map between them, as files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from pairs.images.volume import write_volume
from tests.drawnscans import Grid

__all__ = ["Scene", "scene"]


@dataclass(frozen=True, eq=False)
class Scene:
    """Files of a pair, and where its points go.

    Attributes:
        folder: Where they lie.
        fixed: Fixed image, oblique.
        moving: Moving image, on another grid.
        field: Displacement with the affine of the fixed image, as `register` writes it.
        u: The displacement, (X, Y, Z, 3) in fixed voxels.
        grids: The fixed and the moving grid.
    """

    folder: Path
    fixed: Path
    moving: Path
    field: Path
    u: np.ndarray
    grids: tuple[Grid, Grid]

    @property
    def words(self) -> list[str]:
        """The arguments that are the same in every call."""
        named = {"field": self.field, "fixed": self.fixed, "out": self.folder / "out"}
        return [word for name, path in named.items() for word in (f"--{name}", str(path))]

    def displaced_mm(self, points_mm: np.ndarray) -> np.ndarray:
        """Where points (N, 3) of the fixed space lie in the moving one."""
        return points_mm + self.shift_mm(points_mm)

    @staticmethod
    def shift_mm(points_mm: np.ndarray) -> np.ndarray:
        """A linear displacement, which linear interpolation leaves as it is."""
        return points_mm @ np.array([[0.05, 0.02, 0], [-0.03, 0.04, 0.02], [0, 0.03, -0.06]]).T + (2, -1.5, 1)


@pytest.fixture
def scene(grids: dict[str, Grid], drawn: Callable[..., Path], tmp_path: Path) -> Scene:
    """The pair: oblique fixed image, flat moving one, mirrored in no axis."""
    fixed, moving = grids["oblique"], grids["flat"]
    shift = Scene.shift_mm(fixed.points_mm())
    u = (shift @ np.linalg.inv(fixed.affine[:3, :3]).T).astype(np.float32)
    write_volume(tmp_path / "displacement.nii.gz", u, fixed.affine)
    paths = (drawn("fixed.nii.gz", fixed), drawn("moving.nii.gz", moving))
    return Scene(tmp_path, *paths, tmp_path / "displacement.nii.gz", u, (fixed, moving))
