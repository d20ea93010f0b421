"""Regions of the fixed image: the user's files, checked, or the segmentor's, kept by content."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pairs.errors import BadLabels, GridMismatch, KnownError, MissingVolume
from pairs.images.volume import Volume, read_labels, write_volume
from pipeline.predict.report import read_report
from pipeline.regions.sides import SideCheck
from pipeline.regions.source import RegionFiles

__all__: list[str] = []

REGIONS = (0, 1, 4)
SHAPE = (32, 48, 40)


@pytest.fixture
def labels(tiny_task: Path) -> np.ndarray:
    return read_labels(tiny_task / "labelsTr" / "TinyMR_0006_0000.nii.gz").array


@pytest.fixture
def give(tmp_path: Path, image: Volume) -> Callable[..., RegionFiles]:
    """Writes the segmentation of the image."""

    def write(array: np.ndarray, affine: np.ndarray | None = None) -> RegionFiles:
        folder = tmp_path / "own"
        folder.mkdir(exist_ok=True)
        path = folder / image.header.path.name
        write_volume(path, array, image.header.affine if affine is None else affine)
        return RegionFiles(folder, REGIONS, SideCheck({}, REGIONS))

    return write


def test_a_label_map_is_certain(give: Callable[..., RegionFiles], image: Volume, labels: np.ndarray) -> None:
    found = give(labels)(image)
    assert np.array_equal(np.array(REGIONS)[found.labels], labels)
    assert (found.confidence == 1).all()


def test_probabilities(give: Callable[..., RegionFiles], image: Volume) -> None:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet((1, 1, 1), SHAPE).astype(np.float32)
    found = give(probabilities)(image)
    assert np.array_equal(found.labels, probabilities.argmax(-1))
    np.testing.assert_allclose(found.confidence, probabilities.max(-1), atol=1e-3)


MOVED = np.diag([1.0, 1.0, 1.0, 1.0]) + np.eye(4, k=3)


@pytest.mark.parametrize(
    ("array", "affine", "error", "words"),
    [
        (np.full(SHAPE, 2, np.uint8), None, BadLabels, r"\[0, 1, 4\].*got \[2\]"),
        (np.full(SHAPE, 99, np.int16), None, BadLabels, r"got \[99\]"),
        (np.full(SHAPE, -1, np.int16), None, BadLabels, r"got \[-1\]"),
        (np.full(SHAPE, 0.5, np.float32), None, BadLabels, "not integers"),
        (np.arange(np.prod(SHAPE), dtype=np.int32).reshape(SHAPE), None, BadLabels, "and 61427 more"),
        (np.zeros((32, 48, 39), np.uint8), None, GridMismatch, "shape differs"),
        (np.zeros(SHAPE, np.uint8), MOVED, GridMismatch, "affine differs"),
        (np.full((*SHAPE, 2), 0.5, np.float32), None, BadLabels, "number of probabilities"),
        (np.full((*SHAPE, 3), 0.5, np.float32), None, BadLabels, "do not sum to 1"),
        (np.full((*SHAPE, 3), 1 / 3, np.float32), MOVED, GridMismatch, "affine differs"),
    ],
)
def test_files_that_do_not_fit_are_refused(
    give: Callable[..., RegionFiles],
    image: Volume,
    array: np.ndarray,
    affine: np.ndarray | None,
    error: type[KnownError],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        give(array, affine)(image)


def test_no_file_for_the_image(tmp_path: Path, image: Volume) -> None:
    with pytest.raises(MissingVolume, match="no segmentation"):
        RegionFiles(tmp_path, REGIONS, SideCheck({}, REGIONS))(image)


def test_a_segmentation_on_another_grid_fails_its_pair(
    predict: Callable[..., int], tiny_task: Path, output: Path
) -> None:
    path = tiny_task / "labelsTr" / "TinyMR_0007_0000.nii.gz"
    write_volume(path, np.zeros((32, 48, 39), np.uint8), np.eye(4))
    assert predict("--segmentations", tiny_task / "labelsTr") == 1
    report = read_report(output)
    assert report is not None
    assert [record.error_code for record in report.pairs] == [None, "grid", None]
    assert "labelsTr/TinyMR_0007_0000.nii.gz" in (report.pairs[1].error or "")


def test_the_regions_matter(predict: Callable[..., int], tiny_task: Path, output: Path) -> None:
    """The user's own label maps give other fields than the segmentor's."""
    assert predict() == 0
    before = (output / "disp_0006_0007.npz").read_bytes()
    assert predict("--segmentations", tiny_task / "labelsTr") == 0
    assert (output / "disp_0006_0007.npz").read_bytes() != before
