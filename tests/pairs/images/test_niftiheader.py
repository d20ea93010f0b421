"""One reader of NIfTI headers for volumes, for fields of every origin and for what is checked."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from evaluation.submission.stored import inspect, load
from pairs.errors import CorruptVolume, DisplacementError
from pairs.fields.fieldfile import read_stored_field
from pairs.fields.foreign.niftifield import read_nifti_field
from pairs.images.niftiheader import NiftiError, NotNifti, parse_nifti
from pairs.images.volume import read_image

SHAPE = (4, 6, 8)
FIELD = np.random.default_rng(0).normal(size=(*SHAPE, 3)).astype(np.float32)
IMAGE = FIELD[..., 0]
KINDS = (nib.Nifti1Image, nib.Nifti2Image)
_VOX_OFFSET, _SLOPE = 108, 112


def _image(path: Path) -> np.ndarray:
    return read_image(path).array


def _field(path: Path) -> np.ndarray:
    return read_stored_field(path, SHAPE).array


def _foreign(path: Path) -> np.ndarray:
    return read_nifti_field(path, 10**6).displacement_mm


def _checked(path: Path) -> np.ndarray:
    stored = inspect(path)
    return load(stored, stored.heads[0])


READERS = pytest.mark.parametrize(
    ("read", "array"),
    [(_image, IMAGE), (_field, FIELD), (_foreign, FIELD[:, :, :, None]), (_checked, FIELD)],
    ids=["image", "field", "foreign", "checked"],
)


def _bytes(array: np.ndarray, kind: type = nib.Nifti1Image, order: str = "<") -> bytes:
    header = kind.header_class(endianness=order)
    header.set_intent(1007, allow_unknown=True)
    return kind(array, np.eye(4), header).to_bytes()


def _packed(folder: Path, content: bytes) -> Path:
    (folder / "a.nii.gz").write_bytes(gzip.compress(content))
    return folder / "a.nii.gz"


@READERS
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_reader_takes_both_versions_in_both_byte_orders(
    tmp_path: Path, read: Callable[[Path], np.ndarray], array: np.ndarray, kind: type, order: str
) -> None:
    path = _packed(tmp_path, _bytes(array, kind, order))
    np.testing.assert_array_equal(read(path), nib.load(path).get_fdata().reshape(array.squeeze().shape))


@READERS
@pytest.mark.parametrize(
    ("at", "patch", "words"),
    [
        (_VOX_OFFSET, struct.pack("<f", 0), "start at byte 0"),
        (_VOX_OFFSET, struct.pack("<f", np.nan), "nan"),
        (_VOX_OFFSET, struct.pack("<f", np.inf), "inf"),
        (_VOX_OFFSET, struct.pack("<f", 1e9), r"start at byte 1e\+09"),
        (_SLOPE, struct.pack("<2f", 2, np.nan), "invalid intercept"),
        (70, struct.pack("<h", 77), "data code 77"),
        (40, struct.pack("<h", 8), "dim|shape"),
        (42, struct.pack("<h", -4), "dim|shape"),
    ],
)
def test_every_reader_refuses_what_makes_no_sense(
    tmp_path: Path, read: Callable[[Path], np.ndarray], array: np.ndarray, at: int, patch: bytes, words: str
) -> None:
    content = bytearray(_bytes(array))
    content[at : at + len(patch)] = patch
    with pytest.raises((CorruptVolume, DisplacementError), match=words):
        read(_packed(tmp_path, bytes(content)))


@READERS
def test_extensions_are_skipped(
    tmp_path: Path, read: Callable[[Path], np.ndarray], array: np.ndarray
) -> None:
    image = nib.Nifti1Image(array, np.eye(4))
    image.header.set_intent(1007, allow_unknown=True)
    image.header.extensions.append(nib.nifti1.Nifti1Extension(6, bytes(5000)))
    nib.save(image, tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(read(tmp_path / "a.nii.gz"), array.reshape(array.squeeze().shape))


def test_no_header_and_half_a_header_are_no_nifti() -> None:
    whole = _bytes(FIELD)
    for block in (b"", whole[:347], b"x" * 540, _bytes(FIELD, nib.Nifti2Image)[:539]):
        with pytest.raises(NotNifti, match="not a NIfTI"):
            parse_nifti(block)
    assert parse_nifti(whole[:348]).shape == FIELD.shape


def test_a_header_marked_as_one_without_voxels_is_read_where_the_caller_allows_it() -> None:
    block = bytearray(_bytes(FIELD)[:348])
    block[344:347] = b"ni1"
    with pytest.raises(NotNifti, match="single-file"):
        parse_nifti(bytes(block))
    assert "read as one file" in parse_nifti(bytes(block), pair_mark=True).notes[0]
    block[_VOX_OFFSET : _VOX_OFFSET + 4] = bytes(4)
    with pytest.raises(NotNifti, match="single-file"):
        parse_nifti(bytes(block), pair_mark=True)


def test_a_qform_that_is_no_rotation_leaves_no_affine() -> None:
    block = bytearray(_bytes(FIELD)[:348])
    struct.pack_into("<hhf", block, 252, 1, 0, 1.5)
    with pytest.raises(NiftiError, match="no valid affine"):
        parse_nifti(bytes(block)).affine()
