"""Displacements encoded, written, found, recognised and decoded."""

import hashlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates, zoom

from pairs.errors import DisplacementError, NonFiniteDisplacement
from pairs.fields.displacement import PROFILES, read_displacement, write_displacement
from pairs.fields.encoding import decode, encode
from pairs.tasks.imageid import ImageId
from pairs.tasks.task import Pair

SHAPE = (8, 6, 10)
ALL = pytest.mark.parametrize("name", list(PROFILES))


def make_pair(fixed: ImageId, moving: ImageId) -> Pair:
    return Pair(fixed=Path("fixed.nii.gz"), moving=Path("moving.nii.gz"), fixed_id=fixed, moving_id=moving)


PAIR = make_pair(ImageId("0001", "0000"), ImageId("0004", "0001"))


def constant_field(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    return np.broadcast_to(np.array([2, -1, 3], np.float32), (*shape, 3)).copy()


def smooth_field(shape: tuple[int, int, int], amplitude_vox: float) -> np.ndarray:
    x, y, z = np.meshgrid(
        *(np.linspace(0, 1, side, dtype=np.float32) for side in shape), indexing="ij", sparse=True
    )
    waves = [
        np.sin(2 * np.pi * a + b) * np.cos(2 * np.pi * b) * np.cos(np.pi * c)
        for a, b, c in ((x, y, z), (y, z, x), (z, x, y))
    ]
    return np.stack([amplitude_vox * wave for wave in waves], axis=-1).astype(np.float32)


def warped_voxel(displacement: np.ndarray) -> list[int]:
    """Returns where the official operator puts the one voxel set at (4, 2, 5)."""
    moving = np.zeros(SHAPE)
    moving[4, 2, 5] = 1
    identity = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"))
    warped = map_coordinates(moving, identity + np.moveaxis(displacement, -1, 0), order=0)
    return [int(index) for index in np.argwhere(warped)[0]]


@ALL
def test_a_constant_moves_the_voxel_against_the_displacement(name: str, tmp_path: Path) -> None:
    path = write_displacement(tmp_path, PAIR, constant_field(), PROFILES[name]).path
    assert warped_voxel(read_displacement(path, SHAPE).displacement) == [2, 3, 2]


def test_a_half_grid_file_holds_values_that_are_not_halved(tmp_path: Path) -> None:
    half = np.empty((3, 4, 3, 5), np.float16)
    half[:] = np.reshape([2, -1, 3], (3, 1, 1, 1))
    np.savez_compressed(tmp_path / "a.npz", half)
    read = read_displacement(tmp_path / "a.npz", SHAPE)
    assert np.array_equal(read.displacement, constant_field())
    assert warped_voxel(read.displacement) == [2, 3, 2]
    assert np.array_equal(encode(constant_field(), PROFILES["l2r2021"]), half)


def test_component_order_is_the_order_of_the_axes(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(constant_field()[..., ::-1], np.eye(4)), tmp_path / "a.nii.gz")
    assert warped_voxel(read_displacement(tmp_path / "a.nii.gz", SHAPE).displacement) == [1, 3, 3]


def test_2021_decoding_is_the_host_zoom_number_for_number() -> None:
    half = np.random.default_rng(0).normal(size=(3, 4, 3, 5)).astype(np.float16)
    expected = np.array([zoom(component.astype("float32"), 2, order=2) for component in half])
    decoded = decode(half, PROFILES["l2r2021"])
    assert decoded.dtype == np.float32
    assert np.array_equal(np.moveaxis(decoded, -1, 0), expected)


@ALL
@given(amplitude_vox=st.floats(0, 40), sides=st.tuples(*[st.integers(2, 6)] * 3))
def test_encoding_what_was_decoded_changes_nothing_but_rounding(
    name: str, amplitude_vox: float, sides: tuple[int, int, int]
) -> None:
    profile = PROFILES[name]
    shape = (2 * sides[0], 2 * sides[1], 2 * sides[2])
    once = decode(encode(smooth_field(shape, amplitude_vox), profile), profile)
    twice = decode(encode(once, profile), profile)
    # Half a float16 step is 2**-11 of the value; the spline prefilter may enlarge it.
    assert np.abs(twice - once).max() <= 4 * 2.0**-11 * max(amplitude_vox, 1)


@ALL
def test_encoded_shapes_and_types(name: str) -> None:
    profile = PROFILES[name]
    array = encode(smooth_field(SHAPE, 1).astype(np.float64), profile)
    grid = (4, 3, 5) if profile.half else SHAPE
    assert array.shape == ((3, *grid) if profile.channel_first else (*grid, 3))
    assert array.dtype == profile.dtype
    assert array.flags.c_contiguous


@ALL
def test_values_that_cannot_be_stored_are_refused(name: str) -> None:
    for bad in (np.nan, np.inf, -np.inf):
        field = constant_field()
        field[1, 2, 3, 0] = bad
        with pytest.raises(NonFiniteDisplacement, match="1 of 1440"):
            encode(field, PROFILES[name])
    beyond = 7e4 if PROFILES[name].dtype == np.float16 else 1e39
    with pytest.raises(DisplacementError, match="too large"):
        encode(np.full((*SHAPE, 3), beyond), PROFILES[name])


@pytest.mark.parametrize("name", ["l2r2021", "psmareg2026"])
def test_half_grids_refuse_odd_sides(name: str) -> None:
    with pytest.raises(DisplacementError, match=r"even sides.*got \(8, 5, 10\).*l2r2022"):
        encode(np.zeros((8, 5, 10, 3)), PROFILES[name])


def test_full_grids_take_odd_sides() -> None:
    assert encode(np.zeros((9, 1, 7, 3)), PROFILES["l2r2020-full"]).shape == (3, 9, 1, 7)


@pytest.mark.parametrize("shape", [(3, 8, 6, 10), (8, 6, 10), (8, 6, 10, 2), (0, 6, 10, 3)])
def test_what_is_no_displacement_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DisplacementError, match="not a displacement field"):
        encode(np.zeros(shape), PROFILES["l2r2022"])
    with pytest.raises(DisplacementError, match="profile lumir2024"):
        decode(np.zeros((3, 8, 6, 10)), PROFILES["lumir2024"])


@ALL
def test_every_profile_recognises_its_own_files(name: str, tmp_path: Path) -> None:
    field = smooth_field(SHAPE, 2)
    written = write_displacement(tmp_path, PAIR, field, PROFILES[name])
    read = read_displacement(written.path, SHAPE)
    # The same full-grid NIfTI serves two hosts, which decode it alike.
    assert read.profile.name == ("l2r2022" if name == "lumir2024" else name)
    error = np.abs(read.displacement - field)
    assert written.decode_error_mean_vox == pytest.approx(error.mean(), abs=1e-5)
    assert written.decode_error_max_vox == pytest.approx(error.max(), abs=1e-5)
    assert sorted(tmp_path.iterdir()) == [written.path]


@ALL
def test_the_same_input_gives_the_same_bytes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = set()
    for turn, now_s in enumerate((1e9, 2e9)):
        monkeypatch.setattr("time.time", lambda now_s=now_s: now_s)
        folder = tmp_path / str(turn)
        folder.mkdir()
        path = write_displacement(folder, PAIR, smooth_field(SHAPE, 2), PROFILES[name]).path
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_2021_files_as_the_host_opens_them(tmp_path: Path) -> None:
    path = write_displacement(tmp_path, PAIR, constant_field(), PROFILES["l2r2021"]).path
    with np.load(path) as archive:
        assert archive.files == ["arr_0"]
        assert archive["arr_0"].shape == (3, 4, 3, 5)
        assert archive["arr_0"].dtype == "float16"


def test_2022_files_as_the_host_opens_them(tmp_path: Path) -> None:
    path = write_displacement(tmp_path, PAIR, constant_field(), PROFILES["l2r2022"]).path
    image = nib.load(path)
    assert image.get_data_dtype() == np.float32
    assert np.array_equal(image.affine, np.eye(4))
    assert np.array_equal(image.get_fdata(), constant_field())


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NonFiniteDisplacement):
        write_displacement(tmp_path, PAIR, np.full((*SHAPE, 3), np.nan), PROFILES["l2r2021"])
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_decode_error_at_the_size_of_a_brain(tmp_path: Path) -> None:
    """A measured figure: 13 voxel amplitude at 160x192x224 through float16."""
    field = smooth_field((160, 192, 224), 13)
    written = write_displacement(tmp_path, PAIR, field, PROFILES["l2r2021"])
    assert written.decode_error_mean_vox <= 0.0015
    assert written.decode_error_max_vox <= 0.15
