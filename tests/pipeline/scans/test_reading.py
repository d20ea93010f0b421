"""Files that two scans cannot be registered with: each a known error before the work begins."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pairs.errors import BadLabels, CorruptVolume, GridMismatch, MissingVolume, NonFinite, VolumeError
from pairs.images.volume import read_labels, write_volume
from pipeline.scans.method import ScanMethod
from pipeline.scans.reading import ScanInputs
from pipeline.scans.registration import RegisteredScans, register_inputs

__all__: list[str] = []

Draw = Callable[..., Path]


@pytest.fixture
def files(drawn: Draw, grids: dict[str, Any]) -> ScanInputs:
    """Two sound images and all that may come with them."""
    fixed, moving = grids["plain"], grids["oblique"]
    return ScanInputs(
        drawn("fixed.nii.gz", fixed),
        drawn("moving.nii.gz", moving),
        drawn("fixed_labels.nii.gz", fixed, labels=True),
        drawn("moving_labels.nii.gz", moving, labels=True),
        drawn("mask.nii.gz", fixed, labels=True),
    )


def registered(files: ScanInputs) -> RegisteredScans:
    return register_inputs(files, ScanMethod("affine", torch.device("cpu")))


@pytest.mark.parametrize("side", ["fixed", "moving"])
@pytest.mark.parametrize(
    ("array", "error", "words"),
    [
        (np.ones((8, 9)), VolumeError, "not three-dimensional"),
        (np.ones((8, 9, 7, 2)), VolumeError, "too many axes"),
        (np.ones((8, 9, 7)), VolumeError, "constant"),
        (np.full((8, 9, 7), np.nan), NonFinite, "too many NaN"),
    ],
)
def test_images_that_are_none(
    files: ScanInputs, tmp_path: Path, side: str, array: np.ndarray, error: type[Exception], words: str
) -> None:
    bad = tmp_path / "bad.nii.gz"
    write_volume(bad, array.astype(np.float32), np.eye(4))
    with pytest.raises(error, match=rf"{words}.*bad\.nii\.gz"):
        registered(ScanInputs(**{"fixed": files.fixed, "moving": files.moving, side: bad}))


@pytest.mark.parametrize("name", ["fixed", "moving", "fixed_regions", "moving_regions", "mask"])
def test_files_that_cannot_be_read(files: ScanInputs, tmp_path: Path, name: str) -> None:
    whole = getattr(files, name).read_bytes()
    cases = {
        "absent.nii.gz": (None, MissingVolume),
        "cut.nii.gz": (whole[: len(whole) // 2], CorruptVolume),
        "empty.nii.gz": (b"", CorruptVolume),
        "text.nii.gz": (gzip.compress(b"no volume" * 99), CorruptVolume),
        "scan.nrrd": (b"NRRD0004\n", CorruptVolume),
    }
    for file, (content, error) in cases.items():
        path = tmp_path / file
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(error, match=file):
            registered(replace(files, **{name: path}))


@pytest.mark.parametrize("name", ["fixed_regions", "moving_regions", "mask"])
def test_what_belongs_to_an_image_is_on_its_grid(
    files: ScanInputs, drawn: Draw, grids: dict[str, Any], name: str
) -> None:
    other = drawn("other.nii.gz", grids["flat"], labels=True)
    with pytest.raises(GridMismatch, match=r"shape differs from .*other\.nii\.gz"):
        registered(replace(files, **{name: other}))
    right = grids["oblique" if name == "moving_regions" else "plain"]
    moved = np.array(right.affine)
    moved[0, 3] += 5
    shifted = drawn("shifted.nii.gz", type(right)(right.shape, moved), labels=True)
    with pytest.raises(GridMismatch, match=r"affine differs from .*shifted\.nii\.gz"):
        registered(replace(files, **{name: shifted}))


def test_an_empty_mask_is_refused(files: ScanInputs, tmp_path: Path) -> None:
    affine = np.diag((2.0, 2, 2, 1))
    affine[:3, 3] = -31
    write_volume(tmp_path / "none.nii.gz", np.zeros((32, 32, 32), np.uint8), affine)
    with pytest.raises(BadLabels, match=r"mask is empty.*none\.nii\.gz"):
        registered(replace(files, mask=tmp_path / "none.nii.gz"))


def relabelled(path: Path | None, out: Path, changes: dict[int, int]) -> Path:
    """A label map with other numbers."""
    assert path is not None
    volume = read_labels(path)
    array = volume.array.astype(np.int16)
    for old, new in changes.items():
        array[volume.array == old] = new
    write_volume(out, array, volume.header.affine)
    return out


def test_labels_of_one_image_alone_are_left_out(files: ScanInputs, tmp_path: Path) -> None:
    other = relabelled(files.fixed_regions, tmp_path / "other.nii.gz", {4: 300})
    found = registered(replace(files, fixed_regions=other))
    told = [text for text in found.warnings if text.startswith("left out")]
    assert told == [
        "left out, since moving_labels.nii.gz lacks them: labels 300 of other.nii.gz",
        "left out, since other.nii.gz lacks them: labels 4 of moving_labels.nii.gz",
    ]
    assert found.scans.fixed_labels is not None
    assert set(np.unique(found.scans.fixed_labels.array)) == {0, 1}
    alone = relabelled(files.fixed_regions, tmp_path / "alone.nii.gz", {1: 7, 4: 8})
    with pytest.raises(BadLabels, match=r"no label in common: .*expected some of 7, 8 .*got 1, 4"):
        registered(replace(files, fixed_regions=alone))
    below = relabelled(files.fixed_regions, tmp_path / "below.nii.gz", {1: -1})
    with pytest.raises(BadLabels, match=r"below 0: .*below\.nii\.gz.*got -1"):
        registered(replace(files, fixed_regions=below))


def test_an_image_and_itself_is_told(files: ScanInputs) -> None:
    assert "fixed and moving image are the same" in registered(ScanInputs(files.fixed, files.fixed)).warnings
    assert registered(ScanInputs(files.fixed, files.moving)).warnings == (
        "there is no affine stage: the images stay where they were put to begin with",
    )


def test_one_frame_of_a_series_is_an_image(files: ScanInputs, tmp_path: Path) -> None:
    write_volume(
        tmp_path / "one.nii.gz", np.random.default_rng(0).random((8, 9, 7, 1), np.float32), np.eye(4)
    )
    assert registered(ScanInputs(tmp_path / "one.nii.gz", files.moving)).displacement.shape == (8, 9, 7, 3)
