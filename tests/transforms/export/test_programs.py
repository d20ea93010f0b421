"""Exported fields, read by the programs themselves: what they warp is what `warp` warps.

SimpleITK and nitransforms are in requirements-dev.txt, the other programs in requirements-rivals.txt; a test
whose program is missing is skipped.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from benchmarks.exports import GRIDS, READERS, draw_pair, largest_disagreements
from pairs.errors import DisplacementError, VolumeError
from pairs.fields.field import field_from_array
from pairs.images.frames import read_frames
from pairs.images.header import Header, read_header
from pairs.images.volume import read_image, write_volume
from textscf.program import main
from transforms.export.fsl import fsl_coordinates
from transforms.export.programs import PROGRAMS, export_field
from transforms.field import read_field, write_field
from transforms.warping import warp

__all__: list[str] = []


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A drawn pair on oblique grids, with its field."""
    draw_pair(tmp_path, "oblique")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_the_program_warps_what_warp_warps(name: str, tmp_path: Path) -> None:
    found = largest_disagreements(name, tmp_path)
    if found is None:
        pytest.skip(f"needs {READERS[name].package}: pip install --no-deps -r requirements-rivals.txt")
    assert max(found.values()) < 1e-3, found
    assert found.keys() == GRIDS.keys()


@pytest.mark.parametrize("kind", GRIDS)
def test_the_drawn_fields_move_what_is_compared(kind: str, tmp_path: Path) -> None:
    """Without the displacement the comparison would fail by far."""
    draw_pair(tmp_path, kind)
    fixed, moving = read_header(tmp_path / "fixed.nii.gz"), read_frames(tmp_path / "moving.nii.gz")
    field = read_field(tmp_path / "field.nii.gz", fixed)
    moved, still = (warp(*steps, fixed=fixed).image(moving) for steps in ([field], []))
    assert np.abs(moved - still).max() > 0.05 * np.ptp(moved)


def test_every_form_has_a_reader() -> None:
    assert {reader.program for reader in READERS.values()} == PROGRAMS.keys()


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_command_writes_the_files_and_says_what_comes_next(
    program: str, pair: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    words = [
        word for name in ("field", "fixed", "moving") for word in (f"--{name}", str(pair / f"{name}.nii.gz"))
    ]
    assert main(["export", *words, "--to", program, "--out", str(pair / "out")]) == 0
    assert sorted(path.name for path in (pair / "out").iterdir()) == sorted(PROGRAMS[program].files)
    assert f"next: {PROGRAMS[program].usage.split()[0].format(folder=pair / 'out')}" in caplog.text


@pytest.mark.parametrize(
    ("program", "name"), [("itk", "itk"), ("ants", "ants"), ("slicer", "itk"), ("elastix", "elastix")]
)
def test_what_is_exported_can_be_imported(program: str, name: str, pair: Path) -> None:
    """The field between two grids comes back as voxels of the moving one, as `evaluate --from` reads it."""
    fixed, moving = (read_header(pair / f"{one}.nii.gz") for one in ("fixed", "moving"))
    field = read_field(pair / "field.nii.gz", fixed)
    export_field(field, moving, program, pair)
    words = ["import", "--from", name, "--field", str(pair / PROGRAMS[program].files[-1])]
    words += ["--fixed", str(fixed.path), "--moving", str(moving.path), "--out", str(pair / "u.nii.gz")]
    assert main(words) == 0
    u = nib.load(pair / "u.nii.gz").get_fdata()
    voxels = np.indices(fixed.shape)
    stages = warp(field, fixed=fixed).pathway.stages(fixed, moving)
    expected = stages.moved(voxels.astype(np.float64)) - voxels
    assert np.moveaxis(u, -1, 0) == pytest.approx(expected, abs=1e-3)


def test_warp_reads_what_is_exported(pair: Path) -> None:
    fixed, moving = (read_header(pair / f"{one}.nii.gz") for one in ("fixed", "moving"))
    field = read_field(pair / "field.nii.gz", fixed)
    for program in ("itk", "slicer", "elastix"):
        export_field(field, moving, program, pair)
        again = read_field(pair / PROGRAMS[program].files[-1], fixed)
        assert again.displacement == pytest.approx(field.displacement, abs=1e-4)


def test_a_field_that_compares_voxels_is_exported_so(tmp_path: Path) -> None:
    """The host takes voxels one to one; programs go by affines, so that these come into the field."""
    image = np.random.default_rng(0).random((8, 9, 10), np.float32)
    write_volume(tmp_path / "fixed.nii.gz", image, np.eye(4))
    elsewhere = np.diag([-2.0, 2, 2, 1])
    elsewhere[:3, 3] = (30, -10, 5)
    write_volume(tmp_path / "moving.nii.gz", image, elsewhere)
    u = np.zeros((8, 9, 10, 3), np.float32)
    u[...] = (1, -2, 0)
    write_field(tmp_path / "u.npz", u, "l2r2022")
    fixed, moving = read_header(tmp_path / "fixed.nii.gz"), read_header(tmp_path / "moving.nii.gz")
    export_field(read_field(tmp_path / "u.npz", fixed), moving, "itk", tmp_path)
    again = read_field(tmp_path / "displacement.nii.gz", fixed)
    warped = warp(again, fixed=fixed).image(read_frames(tmp_path / "moving.nii.gz"))
    assert warped[2, 5, 3] == pytest.approx(image[3, 3, 3], abs=1e-4)


@pytest.mark.parametrize(("sign", "first"), [(1, 2 * 6.0), (-1, 0.0)])
def test_fsl_counts_the_first_axis_of_neurological_images_from_its_end(sign: int, first: float) -> None:
    affine = np.diag([2.0 * sign, 3, 4, 1])
    header = Header(Path("a.nii.gz"), (7, 5, 6), (2, 3, 4), affine, np.dtype(np.float32))
    assert (fsl_coordinates(header) @ (0, 1, 1, 1))[:3] == pytest.approx((first, 3, 4))
    assert (fsl_coordinates(header) @ (6, 0, 0, 1))[0] == pytest.approx(12 - first)


def sheared(header: Header) -> Header:
    affine = header.affine.copy()
    affine[0, 1] += 0.3
    return replace(header, affine=affine)


@pytest.mark.parametrize(
    ("program", "change", "error"),
    [
        ("itk", sheared, DisplacementError),
        ("elastix", sheared, DisplacementError),
        ("slicer", lambda header: replace(header, placed=False), VolumeError),
        ("fsl", lambda header: replace(header, placed=False), VolumeError),
        ("x5", lambda header: replace(header, placed=False), VolumeError),
    ],
)
def test_grids_that_a_program_would_place_elsewhere_are_refused(
    program: str, change: Callable[[Header], Header], error: type[Exception], pair: Path, tmp_path: Path
) -> None:
    fixed = change(read_header(pair / "fixed.nii.gz"))
    field = field_from_array(np.zeros((*fixed.shape, 3), np.float32), fixed)
    (tmp_path / "out").mkdir()
    with pytest.raises(error, match=r"cannot hold this grid|does not say where"):
        export_field(field, read_header(pair / "moving.nii.gz"), program, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_import_takes_the_affine_map_of_ants(pair: Path) -> None:
    """Half of a shift in the warp, half in the affine map after it."""
    fixed = read_header(pair / "fixed.nii.gz")
    shift_mm = np.full((*fixed.shape, 1, 3), (2.0, 1.0, -1.0), np.float32)
    write_volume(pair / "1Warp.nii.gz", shift_mm, fixed.affine, intent=1007)
    (pair / "0GenericAffine.tfm").write_text(
        "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
        "Parameters: 1 0 0 0 1 0 0 0 1 2 1 -1\nFixedParameters: 0 0 0\n"
    )
    words = ["import", "--from", "ants", "--field", str(pair / "1Warp.nii.gz"), "--fixed", str(fixed.path)]
    words += ["--affine", str(pair / "0GenericAffine.tfm"), "--out", str(pair / "u.npz")]
    assert main(words) == 0
    u = read_field(pair / "u.npz", fixed).displacement
    expected = np.linalg.inv(fixed.affine[:3, :3]) @ (-4, -2, -2)
    assert u[3, 4, 5] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--from", "itk", "--out", "u.txt"), 2, "not the name of a file of profile l2r2022"),
        (("--from", "itk", "--affine", "a.mat", "--out", "u.nii.gz"), 2, "have no affine map beside them"),
        (("--from", "itk", "--out", "u.nii.gz"), 1, "intent 1007"),
        (("--from", "npz", "--out", "u.nii.gz"), 1, "cannot be read"),
        (("--from", "itk", "--out", "field.nii.gz"), 2, "output is also an input"),
    ],
)
def test_what_import_refuses(
    words: tuple[str, ...],
    code: int,
    sentence: str,
    pair: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(pair)
    before = sorted(path.name for path in pair.iterdir())
    assert main(["import", "--field", "field.nii.gz", "--fixed", "fixed.nii.gz", *words]) == code
    assert sentence in capsys.readouterr().err
    assert sorted(path.name for path in pair.iterdir()) == before


def test_export_refuses_to_replace_what_it_reads(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pair / "field.nii.gz").rename(pair / "displacement.nii.gz")
    words = ["export", "--field", str(pair / "displacement.nii.gz"), "--fixed", str(pair / "fixed.nii.gz")]
    words += ["--moving", str(pair / "moving.nii.gz"), "--to", "itk", "--out", str(pair)]
    before = read_image(pair / "fixed.nii.gz").array
    assert main(words) == 2
    assert "output is also an input" in capsys.readouterr().err
    assert np.array_equal(read_image(pair / "fixed.nii.gz").array, before)
