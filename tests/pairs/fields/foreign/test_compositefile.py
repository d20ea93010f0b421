"""ANTs' `Composite.h5`: files that SimpleITK wrote, and everything that is not one.

`composite.h5` is SimpleITK 2.5.7's own: two affine maps, then a displacement field, double, plain; the
version of the system is crossed out. `compositegzip.h5` holds the same as ANTs lays it out, float32 by gzip
in parts, under the names of ITK 4; it was written with h5py.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pairs.errors import DisplacementError, NonFiniteDisplacement
from pairs.fields.foreign import compositefile
from pairs.fields.foreign.compositefile import read_composite_field
from pairs.fields.foreign.readers import FOREIGN_READERS
from pairs.images.header import Header
from pairs.tasks.pair import Pair

SHAPE = (4, 6, 8)
VOXELS = 4 * 6 * 8
PLAIN, PACKED = (Path(__file__).with_name(name) for name in ("composite.h5", "compositegzip.h5"))
FILES = pytest.mark.parametrize("path", [PLAIN, PACKED], ids=["plain", "gzip"])
# Where ITK says that voxels of the field's grid are mapped to, LPS millimetres (TransformPoint of the file).
MAPPED = {
    (0, 0, 0): (9.09375, -5.9375, 14.78125),
    (3, 5, 7): (12.546875, 9.625, 44.390625),
    (1, 2, 3): (12.40625, 1.25, 28.84375),
}
SIDES = np.array(SHAPE, "<f8").tobytes()


def field() -> np.ndarray:
    i, j, k, component = np.indices((*SHAPE, 3))
    displacement: np.ndarray = ((i * 7 + j * 3 + k * 5 + component * 2) % 11) / 4 - 1
    return displacement


@pytest.fixture
def patched(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes the plain file with some bytes in the place of others, which occur once."""

    def write(old: bytes, new: bytes) -> Path:
        content = PLAIN.read_bytes()
        assert (content.count(old), len(new)) == (1, len(old))
        (tmp_path / "a.h5").write_bytes(content.replace(old, new))
        return tmp_path / "a.h5"

    return write


@FILES
def test_points_are_mapped_as_itk_maps_them(path: Path) -> None:
    read = read_composite_field(path, VOXELS)
    assert read.frame == "lps"
    assert read.displacement_mm.dtype == np.float32
    np.testing.assert_array_equal(read.displacement_mm, field())
    flips = np.array([-1, -1, 1])
    for index, expected in MAPPED.items():
        moved = (read.affine @ (*index, 1))[:3] + flips * read.displacement_mm[index]
        np.testing.assert_allclose(flips * (read.after @ (*moved, 1))[:3], expected)


def test_every_place_of_the_file_gives_the_same_displacement(
    fixed: Header, moving: Header, moved_pair: Pair, tmp_path: Path
) -> None:
    grid = Header(fixed.path, SHAPE, (1.5, 2, 3), read_composite_field(PLAIN, VOXELS).affine, fixed.dtype)
    found = []
    for name in ("0001_0004Composite.h5", "disp_0001_0004_Composite.h5", "0001_0004/Composite.h5"):
        folder = tmp_path / str(len(found))
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(PACKED.read_bytes())
        read = FOREIGN_READERS["ants"](folder, moved_pair, grid, moving)
        assert read.path == folder / name
        found.append(read.displacement)
    for index, place in MAPPED.items():
        point = np.linalg.inv(moving.affine) @ (-place[0], -place[1], place[2], 1)
        np.testing.assert_allclose(index + found[0][index], point[:3], atol=1e-4)
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


@FILES
def test_more_voxels_than_wanted_are_refused_before_they_are_read(path: Path) -> None:
    with pytest.raises(DisplacementError, match=r"too large.*up to 191 voxels, got \(4, 6, 8\)"):
        read_composite_field(path, VOXELS - 1)


def test_a_file_larger_than_its_voxels_can_be_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compositefile, "_MAX_OTHER_BYTES", 1000)
    with pytest.raises(DisplacementError, match=r"too large.*up to 5608 bytes, got \d+ bytes"):
        read_composite_field(PLAIN, VOXELS)


@pytest.mark.parametrize("sides", [(4e6, 6e6, 8e6), (4, 6, -8), (np.nan, 6, 8), (np.inf, 6, 8), (4, 6, 7)])
def test_sides_that_do_not_fit(patched: Callable[..., Path], sides: tuple[float, float, float]) -> None:
    with pytest.raises(DisplacementError, match=r"too large|three sides|cannot be read"):
        read_composite_field(patched(SIDES, np.array(sides, "<f8").tobytes()), VOXELS)


def test_values_that_are_not_finite(patched: Callable[..., Path]) -> None:
    values = np.moveaxis(field(), -1, 0).ravel(order="F")
    damaged = np.array([np.nan, *values[1:]])
    with pytest.raises(NonFiniteDisplacement, match="1 of 576"):
        read_composite_field(patched(values.tobytes(), damaged.tobytes()), VOXELS)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"DisplacementFieldTransform_", b"GaussianExponentialFieldOf_", "does not end with a displacement"),
        (b"DisplacementFieldTransform_double_3_3", b"DisplacementFieldTransform_double_2_2", "does not end"),
        (b"TransformGroup", b"TransformGrouq", "cannot be read"),
    ],
)
def test_other_transforms(patched: Callable[..., Path], old: bytes, new: bytes, words: str) -> None:
    with pytest.raises(DisplacementError, match=words):
        read_composite_field(patched(old, new), VOXELS)


def test_other_maps_in_the_place_of_an_affine_one(tmp_path: Path) -> None:
    content = PLAIN.read_bytes().replace(b"AffineTransform_double_3_3", b"Euler3DTranform_double_3_3")
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(DisplacementError, match=r"not an affine map.*got Euler3D"):
        read_composite_field(tmp_path / "a.h5", VOXELS)


@FILES
@pytest.mark.parametrize("share", [0, 0.3, 0.6, 0.95])
def test_truncated_files(path: Path, share: float, tmp_path: Path) -> None:
    whole = path.read_bytes()
    (tmp_path / "a.h5").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DisplacementError, match="cannot be read"):
        read_composite_field(tmp_path / "a.h5", VOXELS)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DisplacementError, match=r"missing: .*none\.h5"):
        read_composite_field(tmp_path / "none.h5", VOXELS)
