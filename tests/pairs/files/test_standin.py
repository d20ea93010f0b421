"""Web pages and pointers in place of data are called so, whichever reader meets them."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pairs.errors import CorruptVolume, DisplacementError, KnownError, MissingVolume
from pairs.fields.fieldfile import read_stored_field
from pairs.files.document import read_document
from pairs.files.standin import file_stand_in, stand_in
from pairs.images.volume import read_image

__all__: list[str] = []

Ramp = Callable[..., np.ndarray]
Save = Callable[..., Path]
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
PAGE = b"\n<!DOCTYPE html>\n<html><head><title>Sign in</title>"
ANNEX = b"/annex/objects/MD5E-s12345--0a1b.nii.gz\n"
CASES = [(POINTER, "git lfs pull"), (PAGE, "download it again"), (ANNEX, "datalad get")]


@pytest.mark.parametrize(("content", "remedy"), CASES)
@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii"])
def test_in_place_of_a_volume(tmp_path: Path, name: str, content: bytes, remedy: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorruptVolume, match=remedy):
        read_image(tmp_path / name)


@pytest.mark.parametrize(("content", "remedy"), CASES)
@pytest.mark.parametrize("name", ["disp_0001_0002.npz", "disp_0001_0002.nii.gz"])
def test_in_place_of_a_field(tmp_path: Path, name: str, content: bytes, remedy: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DisplacementError, match=remedy):
        read_stored_field(tmp_path / name, (8, 8, 8))


@pytest.mark.parametrize(("content", "remedy"), CASES)
def test_in_place_of_a_document(tmp_path: Path, content: bytes, remedy: str) -> None:
    (tmp_path / "T_dataset.json").write_bytes(content)
    with pytest.raises(KnownError, match=remedy):
        read_document(tmp_path / "T_dataset.json")


def test_data_is_no_stand_in(tmp_path: Path, ramp: Ramp, saved: Save) -> None:
    assert file_stand_in(saved(tmp_path / "a.nii", ramp())) is None
    assert file_stand_in(tmp_path / "absent") is None
    assert stand_in(b'{"name": "T"}') is None


def test_a_plain_nifti_named_gz_is_to_be_compressed_and_keeps_its_name(
    tmp_path: Path, ramp: Ramp, saved: Save
) -> None:
    plain = saved(tmp_path / "a.nii", ramp())
    path = plain.rename(tmp_path / "T_0001_0000.nii.gz")
    remedy = r"mv T_0001_0000\.nii\.gz T_0001_0000\.nii; gzip T_0001_0000\.nii"
    with pytest.raises(CorruptVolume, match=remedy) as caught:
        read_image(path)
    assert "rename" not in str(caught.value)
    path.write_bytes(gzip.compress(path.read_bytes()))
    packed = path.rename(tmp_path / "T_0001_0000.nii")
    with pytest.raises(CorruptVolume, match=r"gunzip T_0001_0000\.nii\.gz"):
        read_image(packed)


def test_a_link_that_leads_nowhere_is_to_be_fetched(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").symlink_to(tmp_path / ".git/annex/objects/a")
    with pytest.raises(MissingVolume, match="datalad get"):
        read_image(tmp_path / "a.nii.gz")
