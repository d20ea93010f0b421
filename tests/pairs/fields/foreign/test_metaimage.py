"""MetaImage fields in every form that is read, against headers written by hand, and damaged ones."""

import zlib
from pathlib import Path

import numpy as np
import pytest

from pairs.errors import DisplacementError, NonFiniteDisplacement
from pairs.fields.foreign.metaimage import read_metaimage_field

SHAPE = (4, 3, 2)
MANY = 10**6
FIELD = np.arange(72, dtype=np.float32).reshape(*SHAPE, 3)
# Axis by axis: the first runs to the posterior, the second to the right, the third to the head.
HEADER = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "BinaryDataByteOrderMSB": "False",
    "CompressedData": "False",
    "TransformMatrix": "0 1 0 -1 0 0 0 0 1",
    "Offset": "5 -7 11",
    "CenterOfRotation": "0 0 0",
    "AnatomicalOrientation": "RAI",
    "ElementSpacing": "1.5 2 3",
    "DimSize": "4 3 2",
    "ElementNumberOfChannels": "3",
    "ElementType": "MET_FLOAT",
    "ElementDataFile": "LOCAL",
}
# LPS columns (0, 1.5, 0), (-2, 0, 0), (0, 0, 3) and origin (5, -7, 11), mirrored to RAS.
AFFINE = np.array([[0, 2, 0, -5], [-1.5, 0, 0, 7], [0, 0, 3, 11], [0, 0, 0, 1]], dtype=np.float64)


def voxels(field: np.ndarray = FIELD, dtype: str = "<f4") -> bytes:
    """The components of a voxel side by side, x fastest."""
    return field.transpose(2, 1, 0, 3).astype(dtype).tobytes()


def saved(path: Path, data: bytes, **changes: str | None) -> Path:
    entries = {key: changes.get(key, value) for key, value in HEADER.items()}
    data_file = entries.pop("ElementDataFile")
    entries.update({key: value for key, value in changes.items() if key not in HEADER})
    lines = [f"{key} = {value}\n" for key, value in entries.items() if value is not None]
    header = "".join([*lines, f"ElementDataFile = {data_file}\n"])
    path.write_bytes(header.encode() + data)
    return path


def test_a_plain_file(tmp_path: Path) -> None:
    field = read_metaimage_field(saved(tmp_path / "a.mha", voxels()), MANY)
    assert field.frame == "lps"
    assert field.displacement_mm.dtype == np.float32
    assert np.array_equal(field.displacement_mm, FIELD)
    assert np.allclose(field.affine, AFFINE)


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        (zlib.compress(voxels()), {"CompressedData": "True", "CompressedDataSize": "99"}),
        (voxels(dtype="<f8"), {"ElementType": "MET_DOUBLE"}),
        (voxels(dtype=">f4"), {"BinaryDataByteOrderMSB": "True"}),
        (voxels(dtype=">f4"), {"BinaryDataByteOrderMSB": None, "ElementByteOrderMSB": "True"}),
        (voxels(), {"Offset": None, "Position": "5 -7 11"}),
        (voxels(), {"TransformMatrix": None, "Orientation": "0 1 0 -1 0 0 0 0 1"}),
        (voxels(), {"ElementSpacing": None, "ElementSize": "1.5 2 3"}),
        (voxels(), {"ObjectType": None, "Comment": "anything"}),
    ],
)
def test_other_words_for_the_same(data: bytes, changes: dict[str, str | None], tmp_path: Path) -> None:
    field = read_metaimage_field(saved(tmp_path / "a.mha", data, **changes), MANY)
    assert np.array_equal(field.displacement_mm, FIELD)
    assert np.allclose(field.affine, AFFINE)


def test_a_header_with_its_data_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.zraw").write_bytes(zlib.compress(voxels()))
    path = saved(tmp_path / "a.mhd", b"", ElementDataFile="a.zraw", CompressedData="True")
    assert np.array_equal(read_metaimage_field(path, MANY).displacement_mm, FIELD)
    (tmp_path / "a.zraw").unlink()
    with pytest.raises(DisplacementError, match=r"missing: .*a\.zraw"):
        read_metaimage_field(path, MANY)


@pytest.mark.parametrize("name", ["../a.raw", "/a.raw", "LIST", "LIST 2", "a%02d.raw 1 4 1", ""])
def test_data_files_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.raw").write_bytes(voxels())
    path = saved(tmp_path / "folder" / "a.mhd", b"", ElementDataFile=name)
    with pytest.raises(DisplacementError, match="not beside it"):
        read_metaimage_field(path, MANY)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ElementNumberOfChannels": "2"}, "three components per voxel, got 2"),
        ({"ElementNumberOfChannels": None}, "three components per voxel, got 1"),
        ({"ElementNumberOfChannels": "many"}, "cannot be read"),
        ({"DimSize": "4 3"}, "three sides"),
        ({"DimSize": "4 3 0"}, "three sides"),
        ({"DimSize": "4 3 3"}, "ends after 288 of 432"),
        ({"DimSize": "4 3 1"}, "more data"),
        ({"DimSize": "100000 100000 100000"}, "too large"),
        ({"NDims": "2"}, "three-dimensional"),
        ({"ObjectType": "Tube"}, "three-dimensional"),
        ({"ElementType": "MET_SHORT"}, "MET_SHORT, expected MET_FLOAT or MET_DOUBLE"),
        ({"BinaryData": "False"}, "plain binary"),
        ({"HeaderSize": "12"}, "plain binary"),
        ({"TransformMatrix": "1 0 0 1 0 0 0 0 1"}, "not an invertible"),
        ({"TransformMatrix": "1 0 0"}, "cannot be read"),
        ({"ElementSpacing": "1 nan 1"}, "not an invertible"),
        ({"CompressedData": "True"}, "cannot be read"),
    ],
)
def test_what_is_refused(changes: dict[str, str | None], reason: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.mha", voxels(), **changes)
    with pytest.raises(DisplacementError, match=reason) as caught:
        read_metaimage_field(path, MANY)
    assert "a.mha" in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"\xff\xfe = 1\n", b"NRRD0004\n", b"Key = 1\n" * 300, b"x" * 10**6])
def test_what_has_no_header(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mha").write_bytes(text)
    with pytest.raises(DisplacementError, match="cannot be read"):
        read_metaimage_field(tmp_path / "a.mha", MANY)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (zlib.compress(voxels())[:-1], "ends after"),
        (zlib.compress(voxels()[:-1]), "ends after 287 of 288"),
        (zlib.compress(voxels() + b"x"), "more data"),
        (zlib.compress(bytes(10**8)), "more data"),
        (zlib.compress(voxels())[:20] + b"damage" + zlib.compress(voxels())[26:], "cannot be read"),
    ],
)
def test_damaged_compressed_data(data: bytes, reason: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.mha", data, CompressedData="True")
    with pytest.raises(DisplacementError, match=reason):
        read_metaimage_field(path, MANY)


def test_values_that_are_not_finite(tmp_path: Path) -> None:
    field = FIELD.copy()
    field[0, 0, 0] = np.nan
    with pytest.raises(NonFiniteDisplacement, match="3 of 72"):
        read_metaimage_field(saved(tmp_path / "a.mha", voxels(field)), MANY)
