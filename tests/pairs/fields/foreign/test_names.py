"""The files of a pair, found under the names that people give them."""

from pathlib import Path

import pytest

from pairs.errors import DisplacementError
from pairs.fields.foreign.names import Ending, find_files, stems
from pairs.tasks.imageid import ImageId
from pairs.tasks.pair import Pair

WARP = Ending("1Warp.nii.gz", "0GenericAffine.mat", affine_expected=True)
FOLDER = Ending("/warp.nii.gz", "/affine.mat")


def touched(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.touch()
    return path


def test_stems_put_the_fixed_image_first(moved_pair: Pair) -> None:
    assert stems(moved_pair) == (
        "disp_0001_0000_0004_0001",
        "disp_0001_0004",
        "disp_0001_00_0004_01",
        "0001_0000_0004_0001",
        "0001_0004",
        "0001_00_0004_01",
    )
    visits = Pair(Path("f"), Path("m"), ImageId("0007", "0000", "00"), ImageId("0007", "0000", "02"))
    assert "disp_0007_00_0007_02" in stems(visits)


def test_every_stem_and_ending_is_found(moved_pair: Pair, tmp_path: Path) -> None:
    for stem in stems(moved_pair):
        for ending in (WARP, FOLDER):
            warp = touched(tmp_path / (stem + ending.warp))
            affine = touched(tmp_path / (stem + str(ending.affine)))
            found = find_files(tmp_path, moved_pair, (WARP, FOLDER))
            assert (found.warp, found.affine) == (warp, affine)
            warp.unlink()
            affine.unlink()


def test_a_missing_field_tells_every_name(moved_pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(DisplacementError, match="missing") as caught:
        find_files(tmp_path, moved_pair, (WARP, FOLDER))
    for part in (*stems(moved_pair), WARP.warp, FOLDER.warp, str(tmp_path), moved_pair.name):
        assert part in str(caught.value)


def test_the_pair_in_the_other_direction_is_another_pair(moved_pair: Pair, tmp_path: Path) -> None:
    touched(tmp_path / "disp_0004_00011Warp.nii.gz")
    touched(tmp_path / "disp_0001_00041InverseWarp.nii.gz")
    with pytest.raises(DisplacementError, match="missing"):
        find_files(tmp_path, moved_pair, (WARP, FOLDER))


def test_the_first_of_several_is_taken(
    moved_pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    touched(tmp_path / "0001_0004" / "warp.nii.gz")
    first = touched(tmp_path / "disp_0001_0004" / "warp.nii.gz")
    assert find_files(tmp_path, moved_pair, (WARP, FOLDER)).warp == first
    assert "several fields" in caplog.text


def test_only_an_affine_map_that_is_usual_is_missed(
    moved_pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    touched(tmp_path / "disp_0001_0004" / "warp.nii.gz")
    assert find_files(tmp_path, moved_pair, (FOLDER,)).affine is None
    assert caplog.text == ""
    touched(tmp_path / "disp_0001_00041Warp.nii.gz")
    assert find_files(tmp_path, moved_pair, (WARP,)).affine is None
    assert "disp_0001_00040GenericAffine.mat does not exist" in caplog.text
