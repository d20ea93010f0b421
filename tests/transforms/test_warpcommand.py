"""`warp` from the command line: images, label maps and points, on any grid."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from pairs.fields.profile import PROFILES
from pairs.images.volume import read_image, read_labels, write_volume
from tests.transforms.scene import Scene
from textscf.program import main
from transforms.field import write_field

__all__: list[str] = []

Told = pytest.LogCaptureFixture


def test_images_labels_and_points_of_a_pair_in_one_call(scene: Scene, drawn: Callable[..., Path]) -> None:
    """Each lies where the map says, on two oblique grids, the points the other way than the images."""
    fixed, moving = scene.grids
    labels = drawn("labels.nii.gz", moving, labels=True)
    points_mm = np.array([[2.0, -3, 1], [-7, 6, -5], [10, 4, 3]])
    table = scene.folder / "points.csv"
    np.savetxt(table, points_mm, delimiter=",", header="x,y,z", comments="")
    words = ["warp", *scene.words, "--image", str(scene.moving), "--labels", str(labels)]
    assert main([*words, "--points", str(table), "--points-in", "ras"]) == 0
    out = scene.folder / "out"
    places = scene.displaced_mm(fixed.points_mm().reshape(-1, 3)) - moving.affine[:3, 3]
    voxels = (np.linalg.inv(moving.affine[:3, :3]) @ places.T).reshape(3, *fixed.shape)
    within = ((voxels > 0) & (voxels < np.array(moving.shape).reshape(3, 1, 1, 1) - 1)).all(axis=0)
    assert within.mean() > 0.4
    image = read_image(out / "images" / "moving.nii.gz")
    linear = ndimage.map_coordinates(read_image(scene.moving).array, voxels, order=1)
    assert np.abs(image.array - linear)[within].max() < 1e-3
    assert image.header.affine == pytest.approx(fixed.affine, abs=1e-5)
    found = read_labels(out / "labels" / "labels.nii.gz").array
    nearest = ndimage.map_coordinates(read_labels(labels).array, voxels, order=0)
    # Ties and rounding move the odd voxel.
    assert (found != nearest)[within].mean() < 1e-3
    assert set(np.unique(found)) == {0, 1, 4}
    moved = np.loadtxt(out / "points" / "points.csv", delimiter=",", skiprows=1)
    assert moved == pytest.approx(scene.displaced_mm(points_mm), abs=1e-4)


def test_what_register_wrote_warps_what_it_registered(
    grids: dict[str, Any], drawn: Callable[..., Path], tmp_path: Path
) -> None:
    turned = np.eye(4)
    turned[:3, 3] = (4, -3, 2)
    fixed, moving = drawn("fixed.nii.gz", grids["oblique"]), drawn("moving.nii.gz", grids["flat"], turned)
    out = tmp_path / "registered"
    assert (
        main(["register", str(fixed), str(moving), "--out", str(out), "--affine-only", "--device", "cpu"])
        == 0
    )
    field = ["--field", str(out / "displacement.nii.gz"), "--fixed", str(fixed)]
    assert main(["warp", *field, "--image", str(moving), "--out", str(tmp_path / "warped")]) == 0
    again = read_image(tmp_path / "warped" / "images" / "moving.nii.gz").array
    assert again == pytest.approx(read_image(out / "warped.nii.gz").array, abs=1e-2)


@pytest.mark.parametrize("profile", ["l2r2021", "l2r2020-full", "l2r2022", "psmareg2026"])
def test_fields_of_the_challenge_compare_voxels_as_hosts_do(profile: str, tmp_path: Path) -> None:
    """The affine of the moving image differs and counts only where the user says so."""
    image = np.random.default_rng(0).random((8, 10, 12), np.float32)
    write_volume(tmp_path / "fixed.nii.gz", image, np.eye(4))
    shifted = np.eye(4)
    shifted[0, 3] = 1
    write_volume(tmp_path / "moving.nii.gz", image, shifted)
    u = np.zeros((8, 10, 12, 3), np.float32)
    u[...] = (2, -1, 3)
    field = tmp_path / f"field{PROFILES[profile].suffix}"
    write_field(field, u, profile)
    words = ["warp", "--field", str(field), "--fixed", str(tmp_path / "fixed.nii.gz")]
    words += ["--image", str(tmp_path / "moving.nii.gz"), "--out", str(tmp_path / "out")]
    for more, x in (((), 2), (("--placed-by", "headers"), 1)):
        assert main([*words, *more]) == 0
        warped = read_image(tmp_path / "out" / "images" / "moving.nii.gz").array
        assert warped[1, 4, 2] == pytest.approx(image[1 + x, 3, 5], abs=2e-3)


def test_a_half_grid_may_have_an_affine_of_its_own(tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((8, 10, 12), np.float32)
    affine = np.diag([1.5, 1.5, 1.5, 1])
    write_volume(tmp_path / "image.nii.gz", image, affine)
    half = np.zeros((4, 5, 6, 3), np.float32)
    half[...] = (2, -1, 3)
    write_volume(tmp_path / "u.nii.gz", half, affine @ np.diag([2, 2, 2, 1]))
    words = ["--field", str(tmp_path / "u.nii.gz"), "--fixed", str(tmp_path / "image.nii.gz")]
    words += ["--image", str(tmp_path / "image.nii.gz"), "--out", str(tmp_path / "out")]
    assert main(["warp", *words]) == 0
    warped = read_image(tmp_path / "out" / "images" / "image.nii.gz").array
    assert warped[1, 4, 2] == pytest.approx(image[3, 3, 5], abs=1e-4)


def test_number_types_frames_and_both_forms_of_the_grid_are_kept(scene: Scene) -> None:
    fixed = nib.load(scene.fixed)
    fixed.header.set_sform(fixed.affine, code=4)
    fixed.header.set_qform(fixed.affine, code=1)
    nib.save(fixed, scene.fixed)
    shape, affine = scene.grids[1].shape, scene.grids[1].affine
    series = np.random.default_rng(0).integers(-300, 300, (*shape, 3)).astype(np.int16)
    write_volume(scene.folder / "series.nii.gz", series, affine)
    large = np.full(shape, 2**24 + 1, np.int32)
    write_volume(scene.folder / "large.nii", large, affine)
    words = [str(scene.folder / name) for name in ("series.nii.gz", "large.nii", "moving.nii.gz")]
    assert main(["warp", *scene.words, "--image", *words]) == 0
    images = scene.folder / "out" / "images"
    warped = nib.load(images / "series.nii.gz")
    assert warped.shape == (*scene.grids[0].shape, 3)
    assert warped.get_data_dtype() == np.int16
    assert (int(warped.header["sform_code"]), int(warped.header["qform_code"])) == (4, 1)
    kept = np.asarray(nib.load(images / "large.nii").dataobj)
    assert kept.dtype == np.int32
    assert set(np.unique(kept)) == {2**24 + 1}
    assert nib.load(images / "moving.nii.gz").get_data_dtype() == np.float32


def test_labels_are_nearest_unless_a_vote_is_asked_for(scene: Scene, drawn: Callable[..., Path]) -> None:
    labels = drawn("labels.nii.gz", scene.grids[1], labels=True)
    found = []
    for more in ((), ("--vote",)):
        assert main(["warp", *scene.words, "--labels", str(labels), *more]) == 0
        found.append(read_labels(scene.folder / "out" / "labels" / "labels.nii.gz").array)
    changed = (found[0] != found[1]).mean()
    assert 0 < changed < 0.05
    assert set(np.unique(found[1])) == {0, 1, 4}


def test_label_maps_of_whole_numbers_in_floats_become_integers(scene: Scene) -> None:
    labels = np.zeros(scene.grids[1].shape, np.float32)
    labels[10:30, 10:30, 4:9] = 300
    write_volume(scene.folder / "labels.nii.gz", labels, scene.grids[1].affine)
    assert main(["warp", *scene.words, "--labels", str(scene.folder / "labels.nii.gz")]) == 0
    warped = nib.load(scene.folder / "out" / "labels" / "labels.nii.gz")
    assert warped.get_data_dtype() == np.int16
    assert set(np.unique(warped.dataobj)) == {0, 300}


def test_points_outside_are_kept_and_named(scene: Scene, caplog: Told) -> None:
    """Voxels of the fixed image become voxels of the moving one."""
    table = scene.folder / "points.csv"
    table.write_text("name,x,y,z\nwithin,20,18,15\nbeside,-5,18,15\n")
    words = ["warp", *scene.words, "--points", str(table), "--moving", str(scene.moving)]
    assert main(words) == 0
    lines = (scene.folder / "out" / "points" / "points.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["name", "within", "beside"]
    fixed, moving = scene.grids
    place = fixed.affine[:3, :3] @ (20, 18, 15) + fixed.affine[:3, 3]
    voxel = np.linalg.solve(moving.affine[:3, :3], scene.displaced_mm(place[None])[0] - moving.affine[:3, 3])
    assert [float(one) for one in lines[1].split(",")[1:]] == pytest.approx(voxel, abs=1e-3)
    assert "1 point outside the fixed image, moved as its border is: beside" in caplog.text


def test_an_image_without_an_orientation_is_warped_by_its_voxels(tmp_path: Path, caplog: Told) -> None:
    image = np.random.default_rng(0).random((8, 9, 10), np.float32)
    unplaced = nib.Nifti1Image(image, None)
    unplaced.header.set_zooms((2, 2, 2))
    nib.save(unplaced, tmp_path / "image.nii.gz")
    u = np.zeros((8, 9, 10, 3), np.float32)
    u[...] = (1, 0, -2)
    write_field(tmp_path / "u.npz", u, "l2r2020-full")
    words = ["warp", "--field", str(tmp_path / "u.npz"), "--fixed", str(tmp_path / "image.nii.gz")]
    assert main([*words, "--image", str(tmp_path / "image.nii.gz"), "--out", str(tmp_path / "out")]) == 0
    warped = read_image(tmp_path / "out" / "images" / "image.nii.gz")
    assert warped.array[2, 3, 4] == pytest.approx(image[3, 3, 2], abs=1e-3)
    assert not warped.header.placed
    assert warped.header.spacing_mm == (2, 2, 2)
    # Said of the file, and not again for each of the images that are warped.
    assert caplog.text.count("neither sform nor qform is set") == 2
    assert "no orientation in" not in caplog.text


def test_the_grid_of_another_image(
    scene: Scene, grids: dict[str, Any], drawn: Callable[..., Path], caplog: Told
) -> None:
    like = drawn("like.nii.gz", grids["fine"])
    assert main(["warp", *scene.words, "--image", str(scene.moving), "--like", str(like)]) == 0
    warped = read_image(scene.folder / "out" / "images" / "moving.nii.gz")
    assert warped.header.shape == grids["fine"].shape
    assert warped.header.affine == pytest.approx(grids["fine"].affine, abs=1e-5)
    # The middle of the first blob comes from where the map leads, whatever the grid.
    points = grids["fine"].points_mm()
    brightest = points[np.unravel_index(warped.array.argmax(), warped.array.shape)]
    assert scene.displaced_mm(brightest[None])[0] == pytest.approx((2, -3, 1), abs=2.5)
    assert "of the grid lie outside the fixed image" in caplog.text


def test_fields_and_affine_maps_in_a_row_are_one_way(scene: Scene, tmp_path: Path) -> None:
    """Points go through all of them in the order of the command line."""
    matrix = np.eye(4)
    matrix[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    matrix[:3, 3] = (1, 2, 3)
    np.savetxt(tmp_path / "affine.txt", matrix)
    table = tmp_path / "points.csv"
    points = np.array([[1.0, 2, 3], [-4, 0, 5]])
    np.savetxt(table, points, delimiter=",")
    words = ["warp", "--fixed", str(scene.fixed), "--out", str(tmp_path / "out"), "--points", str(table)]
    words += ["--points-in", "ras"]
    again = ["--compose", str(scene.field), str(scene.fixed)]
    affine = ["--affine", str(tmp_path / "affine.txt")]

    def turned(points_mm: np.ndarray) -> np.ndarray:
        return points_mm @ matrix[:3, :3].T + matrix[:3, 3]

    for steps, expected in (
        (
            ["--field", str(scene.field), *again, *affine],
            turned(scene.displaced_mm(scene.displaced_mm(points))),
        ),
        (
            ["--field", str(scene.field), *affine, *again],
            scene.displaced_mm(turned(scene.displaced_mm(points))),
        ),
        (affine, turned(points)),
    ):
        assert main([*words, *steps]) == 0
        assert np.loadtxt(tmp_path / "out" / "points" / "points.csv", delimiter=",") == pytest.approx(
            expected, abs=1e-4
        )


def test_two_fields_sample_the_image_once(scene: Scene) -> None:
    """Twice through one field, a rough image differs from being warped twice, and agrees with the map."""
    shape, affine = scene.grids[0].shape, scene.grids[0].affine
    rough = np.random.default_rng(0).random(shape, np.float32)
    write_volume(scene.folder / "rough.nii.gz", rough, affine)
    words = ["--compose", str(scene.field), str(scene.fixed), "--image", str(scene.folder / "rough.nii.gz")]
    assert main(["warp", *scene.words, *words]) == 0
    points = scene.displaced_mm(scene.displaced_mm(scene.grids[0].points_mm().reshape(-1, 3)))
    voxels = (np.linalg.inv(affine[:3, :3]) @ (points - affine[:3, 3]).T).reshape(3, *shape)
    expected = ndimage.map_coordinates(rough, voxels, order=1)
    # Where both fields are known, not only continued.
    known = (slice(8, -8),) * 3
    found = read_image(scene.folder / "out" / "images" / "rough.nii.gz").array
    assert np.abs(found - expected)[known].max() < 1e-3
