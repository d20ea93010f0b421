"""Each word of `--from`, from files on disk to voxels, without the tools themselves."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy.io import savemat

from pairs.errors import DisplacementError
from pairs.fields.foreign import readers
from pairs.fields.foreign.readers import FOREIGN_READERS
from pairs.images.header import Header
from pairs.tasks.pair import Pair

# A turn of 90 degrees about the third axis and a shift, in LPS and, mirrored, in RAS.
LPS_AFTER = np.array([[0.0, -1, 0, 4], [1, 0, 0, -3], [0, 0, 1, 2], [0, 0, 0, 1]])
RAS_AFTER = np.array([[0.0, -1, 0, -4], [1, 0, 0, 3], [0, 0, 1, 2], [0, 0, 0, 1]])


@pytest.fixture
def before_affine(fixed: Header, lps_mm: np.ndarray) -> np.ndarray:
    """The warp in LPS millimetres that LPS_AFTER completes to the known displacement."""
    points = np.moveaxis(np.indices(fixed.shape), 0, -1) @ fixed.affine[:3, :3].T + fixed.affine[:3, 3]
    points = points * (-1, -1, 1)
    ends = points + lps_mm
    warp: np.ndarray = (ends - LPS_AFTER[:3, 3]) @ LPS_AFTER[:3, :3] - points
    return warp.astype(np.float32)


def test_the_words() -> None:
    assert sorted(FOREIGN_READERS) == ["ants", "elastix", "greedy", "itk", "npz"]


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("itk", "disp_0001_0000_0004_0001.nii.gz"),
        ("itk", "0001_0004_warp.nii"),
        ("elastix", "disp_0001_0004/deformationField.nii.gz"),
        ("elastix", "disp_0001_0004_deformationField.nii"),
        ("ants", "disp_0001_0004_1Warp.nii.gz"),
        ("ants", "disp_0001_00040Warp.nii.gz"),
        ("greedy", "disp_0001_0004_warp.nii.gz"),
        ("greedy", "disp_0001_0004/warp.nii.gz"),
    ],
)
def test_a_warp_alone(
    word: str,
    name: str,
    fixed: Header,
    moving: Header,
    u: np.ndarray,
    lps_mm: np.ndarray,
    moved_pair: Pair,
    nifti_field: Callable[..., Path],
    tmp_path: Path,
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    path = nifti_field(tmp_path / name, lps_mm, fixed.affine)
    read = FOREIGN_READERS[word](tmp_path, moved_pair, fixed, moving)
    assert read.path == path
    assert read.profile.name == word
    assert np.allclose(read.displacement, u, atol=1e-4)


def test_a_metaimage_and_a_nrrd(
    fixed: Header, moving: Header, u: np.ndarray, lps_mm: np.ndarray, moved_pair: Pair, tmp_path: Path
) -> None:
    spacing = np.linalg.norm(fixed.affine[:3, :3], axis=0)
    grid = np.diag([-1, -1, 1, 1]) @ fixed.affine
    rows = " ".join(str(number) for number in (grid[:3, :3] / spacing).T.ravel())
    offset, sizes = " ".join(map(str, grid[:3, 3])), " ".join(map(str, fixed.shape))
    data = lps_mm.transpose(2, 1, 0, 3).astype("<f4").tobytes()
    header = f"""ObjectType = Image\nNDims = 3\nBinaryData = True\nTransformMatrix = {rows}
Offset = {offset}\nElementSpacing = {" ".join(map(str, spacing))}\nDimSize = {sizes}
ElementNumberOfChannels = 3\nElementType = MET_FLOAT\nElementDataFile = LOCAL\n"""
    folder = tmp_path / "disp_0001_0004"
    folder.mkdir()
    (folder / "deformationField.mha").write_bytes(header.encode() + data)
    read = FOREIGN_READERS["elastix"](tmp_path, moved_pair, fixed, moving)
    assert np.allclose(read.displacement, u, atol=1e-4)
    columns = " ".join(f"({','.join(map(str, column))})" for column in grid[:3, :3].T)
    header = f"""NRRD0005\ntype: float\ndimension: 4\nspace: left-posterior-superior\nsizes: 3 {sizes}
space directions: none {columns}\nendian: little\nencoding: raw
space origin: ({",".join(map(str, grid[:3, 3]))})\n\n"""
    (tmp_path / "0001_0004.nrrd").write_bytes(header.encode() + data)
    read = FOREIGN_READERS["itk"](tmp_path, moved_pair, fixed, moving)
    assert np.allclose(read.displacement, u, atol=1e-4)


@pytest.mark.parametrize("stem", ["disp_0001_0004", "disp_0001_0004_", "disp_0001_0004/"])
def test_the_affine_map_of_ants(
    stem: str,
    fixed: Header,
    moving: Header,
    u: np.ndarray,
    before_affine: np.ndarray,
    moved_pair: Pair,
    nifti_field: Callable[..., Path],
    tmp_path: Path,
) -> None:
    (tmp_path / f"{stem}x").parent.mkdir(exist_ok=True)
    nifti_field(tmp_path / f"{stem}1Warp.nii.gz", before_affine, fixed.affine)
    centre = np.array([5.0, 6, 7])
    linear = LPS_AFTER[:3, :3]
    translation = LPS_AFTER[:3, 3] - centre + linear @ centre
    savemat(
        tmp_path / f"{stem}0GenericAffine.mat",
        {"AffineTransform_double_3_3": np.append(linear.ravel(), translation), "fixed": centre},
        format="4",
        oned_as="column",
    )
    read = FOREIGN_READERS["ants"](tmp_path, moved_pair, fixed, moving)
    assert np.allclose(read.displacement, u, atol=1e-4)


def test_the_affine_map_of_greedy(
    fixed: Header,
    moving: Header,
    u: np.ndarray,
    before_affine: np.ndarray,
    moved_pair: Pair,
    nifti_field: Callable[..., Path],
    tmp_path: Path,
) -> None:
    nifti_field(tmp_path / "disp_0001_0004_warp.nii.gz", before_affine, fixed.affine)
    np.savetxt(tmp_path / "disp_0001_0004_affine.mat", RAS_AFTER)
    read = FOREIGN_READERS["greedy"](tmp_path, moved_pair, fixed, moving)
    assert np.allclose(read.displacement, u, atol=1e-4)


def test_files_of_the_other_tool_are_refused_by_name(
    fixed: Header, lps_mm: np.ndarray, moved_pair: Pair, nifti_field: Callable[..., Path], tmp_path: Path
) -> None:
    nifti_field(tmp_path / "disp_0001_0004_warp.nii.gz", lps_mm, fixed.affine)
    (tmp_path / "disp_0001_0004_affine.mat").write_bytes(b"\x0a\0\0\0\x0c\0\0\0")
    with pytest.raises(DisplacementError, match=r"disp_0001_0004_affine\.mat"):
        FOREIGN_READERS["greedy"](tmp_path, moved_pair, fixed, fixed)
    nib.save(nib.Nifti1Image(lps_mm, fixed.affine), tmp_path / "disp_0001_0004.nii.gz")
    with pytest.raises(DisplacementError, match="intent"):
        FOREIGN_READERS["itk"](tmp_path, moved_pair, fixed, fixed)


def test_a_much_finer_field_is_refused(
    fixed: Header, moved_pair: Pair, nifti_field: Callable[..., Path], tmp_path: Path
) -> None:
    nifti_field(tmp_path / "disp_0001_0004.nii", np.zeros((20, 10, 10, 3), np.float32), fixed.affine)
    with pytest.raises(DisplacementError, match=r"too large.*up to 1680 voxels.*\(20, 10, 10\)"):
        FOREIGN_READERS["itk"](tmp_path, moved_pair, fixed, fixed)


def test_oddities_of_the_images_are_told(
    fixed: Header,
    lps_mm: np.ndarray,
    moved_pair: Pair,
    nifti_field: Callable[..., Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    nifti_field(tmp_path / "disp_0001_0004.nii.gz", lps_mm, fixed.affine)
    odd = replace(fixed, warnings=("sform and qform differ",))
    FOREIGN_READERS["itk"](tmp_path, moved_pair, fixed, odd)
    assert "grid.nii.gz: sform and qform differ" in caplog.text


@pytest.mark.parametrize("word", list(FOREIGN_READERS))
def test_missing_fields_and_readers_for_other_processes(
    word: str, fixed: Header, moved_pair: Pair, tmp_path: Path
) -> None:
    reader = pickle.loads(pickle.dumps(FOREIGN_READERS[word]))
    with pytest.raises(DisplacementError, match=r"missing.*disp_0001_0000_0004_0001"):
        reader(tmp_path, moved_pair, fixed, fixed)


def test_the_documentation_names_every_word() -> None:
    assert all(f"\n    {word} " in str(readers.__doc__) for word in FOREIGN_READERS)
