"""`warp --inverse`: the other direction, and where a folded field has none."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from pairs.images.volume import read_image, write_volume
from tests.transforms.scene import Scene
from textscf.program import main
from transforms.field import write_field

__all__: list[str] = []

Told = pytest.LogCaptureFixture


def test_the_other_direction(scene: Scene, caplog: Told) -> None:
    """Images of the fixed space come out on the moving grid, points of the moving one in the fixed."""
    caplog.set_level("INFO")
    table = scene.folder / "points.csv"
    points = np.array([[2.0, -3, 1], [-7, 6, -5]])
    np.savetxt(table, scene.displaced_mm(points), delimiter=",")
    words = ["--inverse", "--moving", str(scene.moving), "--image", str(scene.fixed)]
    assert main(["warp", *scene.words, *words, "--points", str(table), "--points-in", "ras"]) == 0
    back = read_image(scene.folder / "out" / "images" / "fixed.nii.gz")
    assert back.header.shape == scene.grids[1].shape
    brightest = scene.grids[1].points_mm()[np.unravel_index(back.array.argmax(), back.array.shape)]
    assert brightest == pytest.approx(scene.displaced_mm(np.array([[2.0, -3, 1]]))[0], abs=2.6)
    returned = np.loadtxt(scene.folder / "out" / "points" / "points.csv", delimiter=",")
    assert returned == pytest.approx(points, abs=1e-2)
    assert "inverse: residual at most 0.0" in caplog.text
    assert not (scene.folder / "out" / "no_inverse.nii.gz").exists()


def test_an_inverse_of_a_folded_field_is_told_where_it_is_none(tmp_path: Path, caplog: Told) -> None:
    shape = (40, 8, 8)
    image = np.indices(shape)[0].astype(np.float32)
    write_volume(tmp_path / "fixed.nii.gz", image, np.eye(4))
    u = np.zeros((*shape, 3), np.float32)
    u[..., 0] = (-6 * np.tanh((np.arange(40) - 19.5) / 2))[:, None, None]
    write_field(tmp_path / "u.nii.gz", u, "l2r2022")
    words = ["warp", "--field", str(tmp_path / "u.nii.gz"), "--fixed", str(tmp_path / "fixed.nii.gz")]
    words += ["--image", str(tmp_path / "fixed.nii.gz"), "--inverse", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    assert "have more than one: the field folds there" in caplog.text
    doubtful = nib.load(tmp_path / "out" / "no_inverse.nii.gz").get_fdata()
    assert (doubtful[18:22, 2:-2, 2:-2] == 2).all()
    assert (doubtful[:12] == 0).all()
    back = read_image(tmp_path / "out" / "images" / "fixed.nii.gz").array
    write_field(tmp_path / "u.nii.gz", 0 * u, "l2r2022")
    assert main(words) == 0
    assert not (tmp_path / "out" / "no_inverse.nii.gz").exists()
    # Far from the fold the inverse is what it would be without: a shift by six voxels.
    assert back[10, 4, 4] == pytest.approx(4, abs=0.1)
