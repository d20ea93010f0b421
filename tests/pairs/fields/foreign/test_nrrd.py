"""NRRD fields against headers written by hand, and damaged ones."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from pairs.errors import DisplacementError
from pairs.fields.foreign.nrrd import read_nrrd_field

SHAPE = (4, 3, 2)
MANY = 10**6
FIELD = np.arange(72, dtype=np.float32).reshape(*SHAPE, 3)
HEADER = {
    "type": "float",
    "dimension": "4",
    "space": "left-posterior-superior",
    "sizes": "3 4 3 2",
    "space directions": "none (0,1.5,0) (-2,0,0) (0,0,3)",
    "kinds": "vector domain domain domain",
    "endian": "little",
    "encoding": "raw",
    "space origin": "(5,-7,11)",
}
AFFINE = np.array([[0, 2, 0, -5], [-1.5, 0, 0, 7], [0, 0, 3, 11], [0, 0, 0, 1]], dtype=np.float64)


def voxels(dtype: str = "<f4") -> bytes:
    return FIELD.transpose(2, 1, 0, 3).astype(dtype).tobytes()


def saved(path: Path, data: bytes, **changes: str | None) -> Path:
    entries = {**HEADER, **{key.replace("_", " "): value for key, value in changes.items()}}
    lines = [f"{key}: {value}\n" for key, value in entries.items() if value is not None]
    header = "".join(["NRRD0004\n# a comment: of anything\nfree:=text\n", *lines, "\n"])
    path.write_bytes(header.encode() + data)
    return path


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        (voxels(), {}),
        (voxels("<f8"), {"type": "double"}),
        (voxels(">f4"), {"endian": "big"}),
        (gzip.compress(voxels()), {"encoding": "gzip"}),
        (voxels(), {"space": "LPS"}),
    ],
)
def test_fields_in_every_form(data: bytes, changes: dict[str, str], tmp_path: Path) -> None:
    field = read_nrrd_field(saved(tmp_path / "a.nrrd", data, **changes), MANY)
    assert field.frame == "lps"
    assert np.array_equal(field.displacement_mm, FIELD)
    assert np.allclose(field.affine, AFFINE)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sizes": "2 4 3 2"}, "three components per voxel, got 2"),
        ({"sizes": "4 3 2", "dimension": "3"}, r"four axes.*\(4, 3, 2\)"),
        ({"sizes": "3 9999 9999 9999"}, "too large"),
        ({"sizes": "3 4 3 3"}, "ends after 288 of 432"),
        ({"sizes": "3 4 3 1"}, "more data"),
        ({"space": "right-anterior-superior"}, "unknown space.*left-posterior-superior"),
        ({"space": None}, "unknown space.*none"),
        ({"type": "short"}, "type short"),
        ({"endian": "middle"}, "middle"),
        ({"encoding": "ascii"}, "encoding ascii"),
        ({"encoding": "gzip"}, "cannot be read"),
        ({"space_directions": "(0,1.5,0) (-2,0,0) (0,0,3) none"}, "space directions"),
        ({"space_directions": "none (0,1.5,0) (0,3,0) (0,0,3)"}, "not an invertible"),
        ({"space_origin": None}, "cannot be read"),
        ({"data_file": "a.raw"}, "another file"),
        ({"byte_skip": "-1"}, "do not begin"),
    ],
)
def test_what_is_refused(changes: dict[str, str | None], reason: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.nrrd", voxels(), **changes)
    with pytest.raises(DisplacementError, match=reason) as caught:
        read_nrrd_field(path, MANY)
    assert "a.nrrd" in str(caught.value)


@pytest.mark.parametrize(
    "text", [b"", b"ObjectType = Image\n", b"NRRD0004\ntype: float\n", b"NRRD0004\nx\n\n"]
)
def test_what_has_no_header(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.nrrd").write_bytes(text)
    with pytest.raises(DisplacementError, match="cannot be read"):
        read_nrrd_field(tmp_path / "a.nrrd", MANY)
