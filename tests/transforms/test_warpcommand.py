"""`warp` from the command line: images, label maps and points, on any grid, and what it refuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from pairs.fields.profile import PROFILES
from pairs.images.header import read_header
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
    write_field(field, u, PROFILES[profile])
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
    write_field(tmp_path / "u.npz", u, PROFILES["l2r2020-full"])
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
    write_field(tmp_path / "u.nii.gz", u, PROFILES["l2r2022"])
    words = ["warp", "--field", str(tmp_path / "u.nii.gz"), "--fixed", str(tmp_path / "fixed.nii.gz")]
    words += ["--image", str(tmp_path / "fixed.nii.gz"), "--inverse", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    assert "have more than one: the field folds there" in caplog.text
    doubtful = nib.load(tmp_path / "out" / "no_inverse.nii.gz").get_fdata()
    assert (doubtful[18:22, 2:-2, 2:-2] == 2).all()
    assert (doubtful[:12] == 0).all()
    back = read_image(tmp_path / "out" / "images" / "fixed.nii.gz").array
    write_field(tmp_path / "u.nii.gz", 0 * u, PROFILES["l2r2022"])
    assert main(words) == 0
    assert not (tmp_path / "out" / "no_inverse.nii.gz").exists()
    # Far from the fold the inverse is what it would be without: a shift by six voxels.
    assert back[10, 4, 4] == pytest.approx(4, abs=0.1)


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
        write_field(tmp_path / "u.nii.gz", factor * u, PROFILES["l2r2022"])
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
