"""Field files found by their names, recognised by their arrays, and refused with what was expected."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from pairs.errors import DisplacementError, NonFiniteDisplacement
from pairs.fields.displacement import PROFILES, field_name, find_field, read_displacement
from pairs.tasks.imageid import ImageId
from pairs.tasks.task import Pair

SHAPE = (8, 6, 10)
ALL = pytest.mark.parametrize("name", list(PROFILES))


def make_pair(fixed: ImageId, moving: ImageId) -> Pair:
    return Pair(fixed=Path("fixed.nii.gz"), moving=Path("moving.nii.gz"), fixed_id=fixed, moving_id=moving)


PAIR = make_pair(ImageId("0001", "0000"), ImageId("0004", "0001"))


@pytest.mark.parametrize(
    ("suffix", "array", "name"),
    [
        (".npz", np.zeros((3, 8, 6, 10), np.float16), "l2r2020-full"),
        (".npz", np.zeros((8, 6, 10, 3), np.float16), "l2r2022"),
        (".npz", np.zeros((8, 6, 10, 3), np.float64), "l2r2022"),
        (".nii.gz", np.zeros((3, 8, 6, 10), np.float32), "lumir2024"),
        (".nii.gz", np.zeros((3, 4, 3, 5), np.float32), "psmareg2026"),
    ],
)
def test_other_files_the_hosts_read(suffix: str, array: np.ndarray, name: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    if array.shape[0] == 3:
        array[1] = 7
    else:
        array[..., 1] = 7
    np.savez(path, array) if suffix == ".npz" else nib.save(nib.Nifti1Image(array, np.eye(4)), path)
    read = read_displacement(path, SHAPE)
    assert read.profile.name == name
    assert read.displacement.shape == (*SHAPE, 3)
    assert np.allclose(read.displacement, [0, 7, 0], atol=1e-6)


@pytest.mark.parametrize("array", [np.zeros((3, 4, 3, 5), np.float32), np.zeros((4, 3, 5, 3), np.float16)])
def test_arrays_no_host_reads_are_refused_with_all_expected_shapes(array: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", array)
    with pytest.raises(DisplacementError) as caught:
        read_displacement(tmp_path / "a.npz", SHAPE)
    assert all(name in str(caught.value) for name in PROFILES)
    assert f"got .npz {array.shape} {array.dtype}" in str(caught.value)


def test_array_keys(tmp_path: Path) -> None:
    np.savez(tmp_path / "full.npz", u=np.zeros((*SHAPE, 3)))
    assert read_displacement(tmp_path / "full.npz", SHAPE).profile.name == "l2r2022"
    np.savez(tmp_path / "half.npz", u=np.zeros((3, 4, 3, 5), np.float16))
    with pytest.raises(DisplacementError, match="key u"):
        read_displacement(tmp_path / "half.npz", SHAPE)


def test_non_finite_files_are_refused(tmp_path: Path) -> None:
    half = np.zeros((3, 4, 3, 5), np.float16)
    half[0, 0, 0, 0] = np.inf
    np.savez(tmp_path / "a.npz", half)
    with pytest.raises(NonFiniteDisplacement, match=r"a\.npz"):
        read_displacement(tmp_path / "a.npz", SHAPE)


@pytest.mark.parametrize(
    ("name", "short_names", "expected"),
    [
        ("l2r2021", False, "disp_0001_0004.npz"),
        ("l2r2020-full", False, "disp_0001_0004.npz"),
        ("l2r2022", False, "disp_0001_0000_0004_0001.nii.gz"),
        ("l2r2022", True, "disp_0001_0004.nii.gz"),
        ("lumir2024", False, "disp_0001_0004.nii.gz"),
        ("psmareg2026", True, "disp_0001_00_0004_01.nii.gz"),
    ],
)
def test_names(name: str, short_names: bool, expected: str) -> None:
    assert field_name(PAIR, PROFILES[name], short_names=short_names) == expected


def test_2026_names_follow_the_visits() -> None:
    pair = make_pair(ImageId("0007", "0000", "00"), ImageId("0007", "0000", "02"))
    assert field_name(pair, PROFILES["psmareg2026"]) == "disp_0007_00_0007_02.nii.gz"


@ALL
@pytest.mark.parametrize("short_names", [False, True])
def test_every_written_name_is_found(name: str, short_names: bool, tmp_path: Path) -> None:
    path = tmp_path / field_name(PAIR, PROFILES[name], short_names=short_names)
    path.touch()
    assert find_field(tmp_path, PAIR) == path


def test_npz_and_long_names_come_first(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("disp_0001_0004.nii.gz", "disp_0001_0000_0004_0001.nii.gz", "disp_0001_0004.npz"):
        (tmp_path / name).touch()
    assert find_field(tmp_path, PAIR).name == "disp_0001_0004.npz"
    assert "several fields" in caplog.text
    (tmp_path / "disp_0001_0004.npz").unlink()
    assert find_field(tmp_path, PAIR).name == "disp_0001_0000_0004_0001.nii.gz"


def test_a_missing_field_lists_the_names_tried(tmp_path: Path) -> None:
    with pytest.raises(DisplacementError, match="missing") as caught:
        find_field(tmp_path, make_pair(PAIR.moving_id, PAIR.fixed_id))
    assert "disp_0004_0001_0001_0000.npz, disp_0004_0001.npz" in str(caught.value)
    assert "disp_0004_0001.nii.gz" in str(caught.value)


@pytest.mark.parametrize("variant", ["zero", "const", "smooth", "folding"])
def test_golden_fields_are_recognised(variant: str, shared: Path) -> None:
    golden = shared / "golden"
    for path in sorted((golden / "half" / variant).iterdir()):
        read = read_displacement(path, (32, 36, 40))
        assert read.profile.name == "l2r2021"
        assert read.displacement.shape == (32, 36, 40, 3)
    for path in sorted((golden / "full_nii" / variant).iterdir()):
        read = read_displacement(path, (32, 36, 40))
        assert read.profile.name == "l2r2022"
        assert np.array_equal(read.displacement, nib.load(path).get_fdata().astype(np.float32))
    pair = make_pair(ImageId("0001", "0000"), ImageId("0002", "0000"))
    assert find_field(golden / "half" / variant, pair).name == "disp_0001_0002.npz"
    assert find_field(golden / "full_nii" / variant, pair).name == "disp_0001_0000_0002_0000.nii.gz"
