"""`register`: the same displacement as `predict`, from files or volumes, with regions of the user's own."""

import doctest
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pairs.errors import GridMismatch, UsageError, WeightsError
from pairs.fields.displacement import read_displacement
from pairs.images.volume import read_image, write_volume
from pipeline import register as module
from pipeline.machine.device import choose_device
from pipeline.regions.segmentor import Segmentation
from pipeline.register import register
from pipeline.registration.bynetwork import NetworkRegistration
from pipeline.weights.bundle import Bundle, write_bundle
from studies.demo.taskfolder import DEFAULT_TEMPLATE, write_task
from studies.demo.template import read_template
from textscf.program import main

__all__: list[str] = []

CPU = choose_device("cpu")


@pytest.fixture
def pair(tiny_task: Path) -> tuple[Path, Path]:
    """Moving and fixed image of the first pair of the task."""
    images = tiny_task / "imagesTr"
    return images / "TinyMR_0007_0000.nii.gz", images / "TinyMR_0006_0000.nii.gz"


@pytest.fixture
def weights(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    write_bundle(path, tiny_bundle)
    return path


def test_it_is_what_predict_writes(
    tiny_task: Path, pair: tuple[Path, Path], weights: Path, tmp_path: Path
) -> None:
    words = [str(tiny_task), str(tmp_path / "out"), "--weights", str(weights), "--device", "cpu"]
    assert main(["predict", *words, "--profile", "l2r2022"]) == 0
    found = register(*pair[::-1], weights, device="cpu")
    assert found.displacement.dtype == np.float32
    written = read_displacement(
        tmp_path / "out" / "disp_0006_0000_0007_0000.nii.gz", found.displacement.shape[:3]
    )
    assert np.array_equal(written.displacement, found.displacement)


def test_a_segmentor_alone_lends_its_regions_to_the_general_method(
    pair: tuple[Path, Path], tiny_bundle: Bundle
) -> None:
    alone = replace(tiny_bundle, registration={}, text={})
    found = register(*pair[::-1], alone, device="cpu")
    without = register(*pair[::-1], device="cpu")
    assert (found.method.name, without.method.name) == ("general", "general")
    assert not np.array_equal(found.displacement, without.displacement)
    # A label map goes before it, as before networks.
    regions = [np.zeros(read_image(path).array.shape, np.uint8) for path in pair]
    for labels in regions:
        labels[8:16, 8:16, 8:16] = 1
    moving_regions, fixed_regions = regions
    given = register(
        *map(read_image, pair[::-1]),
        alone,
        device="cpu",
        fixed_regions=fixed_regions,
        moving_regions=moving_regions,
    )
    assert not np.array_equal(given.displacement, found.displacement)
    assert register(*pair[::-1], alone, device="cpu", affine_only=True).method.name == "affine"


def test_files_volumes_and_regions_of_ones_own(pair: tuple[Path, Path], tiny_bundle: Bundle) -> None:
    registration = NetworkRegistration(tiny_bundle, CPU)
    first = registration(*pair)
    volumes = registration(*map(read_image, pair))
    assert np.array_equal(first.displacement, volumes.displacement)
    given = registration(*pair, fixed_regions=first.fixed_regions)
    assert np.array_equal(first.displacement, given.displacement)
    shape = first.displacement.shape[:3]
    background = Segmentation(np.zeros(shape, np.uint8), np.ones(shape, np.float16))
    other = registration(*pair, fixed_regions=background)
    assert not np.array_equal(first.displacement, other.displacement)
    assert other.warnings == ("no region found in the fixed image: the background filter alone is used",)


def test_a_source_of_regions_is_asked_for_the_fixed_image(
    pair: tuple[Path, Path], tiny_bundle: Bundle
) -> None:
    asked = []

    def regions(volume: object) -> Segmentation:
        asked.append(volume.header.path)  # type: ignore[attr-defined]
        return Segmentation(np.zeros((32, 48, 40), np.uint8), np.ones((32, 48, 40), np.float16))

    NetworkRegistration(tiny_bundle, CPU, regions=regions)(*pair)
    assert asked == [pair[1]]


def test_oddities_of_the_pair_are_reported(pair: tuple[Path, Path], tiny_bundle: Bundle) -> None:
    found = NetworkRegistration(tiny_bundle, CPU)(pair[0], pair[0])
    assert "fixed and moving image are the same" in found.warnings


def test_what_cannot_be_used_is_a_known_error(
    pair: tuple[Path, Path], weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(WeightsError):
        register(*pair[::-1], tmp_path / "none.safetensors", device="cpu")
    with pytest.raises(UsageError):
        register(*pair[::-1], weights, device="cuda")
    with pytest.raises(UsageError, match="l2r1999"):
        register(*pair[::-1], weights, profile="l2r1999")


def test_only_the_registration_of_two_scans_takes_two_grids(
    pair: tuple[Path, Path], tiny_bundle: Bundle, tmp_path: Path
) -> None:
    moving = read_image(pair[0])
    shorter = tmp_path / "short.nii.gz"
    write_volume(shorter, moving.array[2:], moving.header.affine)
    with pytest.raises(GridMismatch):
        NetworkRegistration(tiny_bundle, CPU)(shorter, pair[1])
    found = register(pair[1], shorter, tiny_bundle, device="cpu")
    assert found.displacement.shape == (32, 48, 40, 3)
    assert found.warped().shape == (32, 48, 40)


def test_affines_count_between_two_scans(
    pair: tuple[Path, Path], tiny_bundle: Bundle, tmp_path: Path
) -> None:
    """The same voxels, said to lie five further: `predict` ignores that, as hosts do."""
    moving = read_image(pair[0])
    shifted = np.eye(4)
    shifted[0, 3] = 5
    write_volume(tmp_path / "shifted.nii.gz", moving.array, shifted)
    found = register(pair[1], tmp_path / "shifted.nii.gz", tiny_bundle, device="cpu")
    assert np.array_equal(found.before()[5:], moving.array[:-5])


def test_arrays_volumes_and_files_give_the_same_field(pair: tuple[Path, Path], tiny_bundle: Bundle) -> None:
    moving, fixed = (read_image(path) for path in pair)
    before = moving.array.copy()
    of_files = register(pair[1], str(pair[0]), tiny_bundle, device="cpu")
    of_volumes = register(fixed, moving, tiny_bundle, device="cpu")
    of_arrays = register(fixed.array, moving.array.astype(np.float64), tiny_bundle, device="cpu")
    assert np.array_equal(of_files.displacement, of_volumes.displacement)
    assert np.array_equal(of_files.displacement, of_arrays.displacement)
    assert np.array_equal(moving.array, before)
    assert of_files.field.grid.path == pair[1]
    with pytest.raises(UsageError, match=r"volume\(array, affine\)"):
        register(pair[1], moving.array, tiny_bundle, device="cpu")


def test_label_maps_that_are_arrays_lie_on_the_grids_of_their_images(
    pair: tuple[Path, Path], tiny_task: Path
) -> None:
    moving, fixed = pair
    affine = np.diag([2.0, 2, 2, 1])
    for path in pair:
        write_volume(path, read_image(path).array, affine)
    labels = [read_image(tiny_task / "labelsTr" / path.name).array for path in (fixed, moving)]
    found = register(
        fixed, moving, device="cpu", affine_only=True, fixed_regions=labels[0], moving_regions=labels[1]
    )
    assert found.scans.fixed_labels is not None
    assert np.array_equal(found.scans.fixed_labels.header.affine, affine)
    with pytest.raises(GridMismatch, match="array"):
        register(fixed, moving, device="cpu", affine_only=True, fixed_regions=labels[0][1:])


@pytest.mark.slow
def test_the_example_of_its_docstring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights").symlink_to(pytestconfig.rootpath / "weights")
    write_task(tmp_path / "demo" / "task", read_template(DEFAULT_TEMPLATE), 2, 0)
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0
