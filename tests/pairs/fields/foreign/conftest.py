"""A pair on two oblique grids, a displacement that is known in voxels, and the same in LPS millimetres."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pairs.images.header import Header
from pairs.tasks.imageid import ImageId
from pairs.tasks.pair import Pair

__all__ = ["fixed", "lps_mm", "moved_pair", "moving", "nifti_field", "oblique", "u"]

# Patient directions of ITK (left, posterior, superior) and NIfTI (right, anterior, superior).
_MIRROR = np.array([-1, -1, 1])


@pytest.fixture(scope="session")
def oblique() -> Callable[..., Header]:
    """A function that makes a grid from shape, angles, voxel sizes (negative: a flipped axis) and origin."""

    def make(
        shape: tuple[int, int, int],
        angles_deg: tuple[float, float, float],
        spacing_mm: tuple[float, float, float],
        origin_mm: tuple[float, float, float],
    ) -> Header:
        affine = np.eye(4)
        affine[:3, :3] = Rotation.from_euler("xyz", angles_deg, degrees=True).as_matrix() * spacing_mm
        affine[:3, 3] = origin_mm
        size_x, size_y, size_z = (abs(size) for size in spacing_mm)
        return Header(Path("grid.nii.gz"), shape, (size_x, size_y, size_z), affine, np.dtype(np.float32))

    return make


@pytest.fixture(scope="session")
def fixed(oblique: Callable[..., Header]) -> Header:
    """The grid of the fixed image, its first axis flipped."""
    return oblique((7, 5, 6), (12, -20, 25), (-1.2, 1.5, 2.0), (10, -6, 3))


@pytest.fixture(scope="session")
def moving(oblique: Callable[..., Header]) -> Header:
    """The grid of the moving image: another shape and affine, its second axis flipped."""
    return oblique((6, 8, 5), (-8, 15, -10), (1.4, -1.3, 2.1), (-4, 9, -2))


@pytest.fixture(scope="session")
def u(fixed: Header) -> np.ndarray:
    """A rough displacement in voxels, (X, Y, Z, 3)."""
    return np.random.default_rng(3).normal(scale=2, size=(*fixed.shape, 3)).astype(np.float32)


@pytest.fixture(scope="session")
def lps_mm(fixed: Header, moving: Header, u: np.ndarray) -> np.ndarray:
    """The displacement `u` between points in space, worked out point by point."""
    field = np.empty_like(u)
    for index in np.ndindex(fixed.shape):
        point = fixed.affine @ (*index, 1)
        matched = moving.affine @ (*(index + u[index]), 1)
        field[index] = _MIRROR * (matched - point)[:3]
    return field


@pytest.fixture(scope="session")
def moved_pair() -> Pair:
    """Subject 0001 in modality 0000, and onto it subject 0004 in modality 0001."""
    return Pair(Path("f.nii.gz"), Path("m.nii.gz"), ImageId("0001", "0000"), ImageId("0004", "0001"))


@pytest.fixture(scope="session")
def nifti_field() -> Callable[..., Path]:
    """A function that writes a field as ITK does: (x, y, z, 1, 3) and an intent."""

    def write(path: Path, field_mm: np.ndarray, affine: np.ndarray, intent: int = 1007) -> Path:
        image = nib.Nifti1Image(field_mm[:, :, :, None, :], affine, dtype=field_mm.dtype)
        image.header.set_intent(intent, allow_unknown=True)
        nib.save(image, path)
        return path

    return write
