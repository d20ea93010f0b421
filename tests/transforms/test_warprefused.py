"""What `warp` refuses, and what it suspects."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from pairs.images.header import read_header
from pairs.images.volume import write_volume
from tests.transforms.scene import Scene
from textscf.program import main
from transforms.field import write_field

__all__: list[str] = []

Told = pytest.LogCaptureFixture


def test_a_field_in_millimetres_given_as_voxels_is_suspected(tmp_path: Path, caplog: Told) -> None:
    affine = np.diag([3.0, 3, 3, 1])
    random = np.random.default_rng(0)
    bright = np.zeros((32, 30, 28))
    bright[tuple(random.integers(8, 20, (3, 60)))] = random.uniform(300, 1000, 60)
    moving = ndimage.gaussian_filter(bright, 2).astype(np.float32)
    u = np.zeros((32, 30, 28, 3), np.float32)
    u[...] = (4, -3, 2)
    places = np.indices(moving.shape) + np.moveaxis(u, -1, 0)
    fixed = ndimage.map_coordinates(moving, places, order=1, mode="nearest")
    write_volume(tmp_path / "fixed.nii.gz", fixed, affine)
    write_volume(tmp_path / "moving.nii.gz", moving, affine)
    words = ["warp", "--fixed", str(tmp_path / "fixed.nii.gz"), "--image", str(tmp_path / "moving.nii.gz")]
    for factor, suspected in ((1, False), (3, True)):
        caplog.clear()
        write_field(tmp_path / "u.nii.gz", factor * u, "l2r2022")
        out = ["--field", str(tmp_path / "u.nii.gz"), "--out", str(tmp_path / f"out{factor}")]
        assert main([*words, *out]) == 0
        assert ("suspected: millimetres" in caplog.text) == suspected


@pytest.mark.parametrize(
    ("name", "code", "sentence"),
    [
        ("another grid", 1, "displacement field of an unknown layout"),
        ("another image", 1, "the displacement field is one of another image"),
        ("labels as floats", 1, "label map holds values that are not integers"),
        ("colours", 1, "number type is not supported"),
        ("fsl", 1, "a field of FSL is not read"),
        ("nothing to warp", 2, "nothing to warp"),
        ("no field", 2, "no field"),
        ("two of one name", 2, "two results of one name"),
        ("output is input", 2, "output is also an input"),
        ("no such points", 2, "file is missing"),
    ],
)
def test_what_is_refused(
    name: str, code: int, sentence: str, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, shape = scene.folder, scene.grids[0].shape
    words, image = ["warp", *scene.words], ["--image", str(scene.moving)]
    if name == "another grid":
        write_volume(scene.field, scene.u[1:], scene.grids[0].affine)
    elif name == "another image":
        elsewhere = scene.grids[0].affine.copy()
        elsewhere[0, 3] += 20
        write_volume(scene.field, scene.u, elsewhere)
    elif name == "labels as floats":
        image = ["--labels", str(scene.moving)]
    elif name == "colours":
        # Known before the image beside it is warped.
        image = ["--image", str(scene.fixed), str(scene.moving)]
        colours = np.zeros(shape, np.dtype([(c, np.uint8) for c in "RGB"]))
        nib.save(nib.Nifti1Image(colours, scene.grids[0].affine), scene.moving)
    elif name == "fsl":
        write_volume(scene.field, scene.u, scene.grids[0].affine, intent=2006)
    elif name == "nothing to warp":
        image = []
    elif name == "no field":
        words = ["warp", *words[3:]]
    elif name == "two of one name":
        (folder / "other").mkdir()
        image += [str(scene.moving.rename(folder / "other" / "moving.nii.gz")), str(folder / "moving.nii.gz")]
    elif name == "output is input":
        (folder / "images").mkdir()
        image = [
            "--image",
            str(scene.moving.rename(folder / "images" / "moving.nii.gz")),
            "--out",
            str(folder),
        ]
    elif name == "no such points":
        image += ["--points", str(folder / "absent.csv")]
    assert main([*words, *image]) == code
    assert sentence in capsys.readouterr().err
    assert not list((folder / "out").rglob("*.nii.gz"))


def test_a_field_of_another_image_goes_by_voxels_where_the_user_says_so(scene: Scene) -> None:
    elsewhere = scene.grids[0].affine.copy()
    elsewhere[0, 3] += 20
    write_volume(scene.field, scene.u, elsewhere)
    words = ["warp", *scene.words, "--placed-by", "voxels", "--image", str(scene.fixed)]
    assert main(words) == 0
    header = read_header(scene.folder / "out" / "images" / "fixed.nii.gz")
    assert header.shape == scene.grids[0].shape
