"""Label maps to draw from: read from a folder, turned, and refused where they cannot serve."""

from pathlib import Path

import numpy as np
import pytest

from pairs.errors import BadLabels, GridMismatch, UsageError
from pairs.images.volume import write_volume
from pipeline.train.drawing.labelmaps import label_map_files, read_label_maps

__all__: list[str] = []

VALUES = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def written(
    folder: Path, name: str = "a", values: np.ndarray = VALUES, affine: np.ndarray | None = None
) -> Path:
    path = folder / f"{name}.nii.gz"
    write_volume(path, values, np.eye(4) if affine is None else affine)
    return path


def test_axes_are_turned_as_the_affine_tells(tmp_path: Path) -> None:
    """The first axis runs to the left here, the second one upwards, and the third one to the front."""
    affine = np.array([[-1.0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    (found,) = read_label_maps([written(tmp_path, affine=affine)], (1.0, 1.0, 1.0))
    assert found.name == "a.nii.gz"
    assert np.array_equal(found.values.numpy(), VALUES[::-1].transpose(0, 2, 1))


def test_voxels_must_be_those_of_the_segmentor(tmp_path: Path) -> None:
    path = written(tmp_path, affine=np.diag([1.0, 1, 2, 1]))
    assert len(read_label_maps([path], (1.0, 1.0, 2.0))) == 1
    with pytest.raises(GridMismatch, match=r"a\.nii\.gz.*expected.*1\.0"):
        read_label_maps([path], (1.0, 1.0, 1.0))


def test_a_value_without_a_byte_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadLabels, match="256"):
        read_label_maps([written(tmp_path, values=VALUES * 0 + 256)], (1.0, 1.0, 1.0))


@pytest.mark.parametrize("count", [None, 0, 1])
def test_a_folder_without_maps_is_a_usage_error(tmp_path: Path, count: int | None) -> None:
    folder = tmp_path / "maps"
    if count is not None:
        folder.mkdir()
        for number in range(count):
            written(folder, str(number))
    got = "no such folder" if count is None else f"{count} of them"
    with pytest.raises(UsageError, match=got):
        label_map_files(folder)


def test_files_come_by_name(tmp_path: Path) -> None:
    for name in "bca":
        written(tmp_path, name)
    (tmp_path / "notes.txt").touch()
    assert [path.name for path in label_map_files(tmp_path)] == ["a.nii.gz", "b.nii.gz", "c.nii.gz"]
