"""Fingerprints: they follow contents, not names or times, and everything else a field depends on."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pairs.errors import MissingVolume, VolumeError
from pairs.fields.profile import PROFILES
from pairs.tasks.imageid import ImageId
from pairs.tasks.pair import Pair
from pipeline.predict.fieldfolder import FieldFolder
from pipeline.predict.fingerprint import Fingerprints

__all__: list[str] = []


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    for name in ("fixed.nii", "moving.nii"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    return Pair(tmp_path / "fixed.nii", tmp_path / "moving.nii", ImageId("1", "0"), ImageId("2", "0"))


def fingerprint(pair: Pair, *, weights: str = "a", own: Path | None = None, **fields: object) -> str:
    folder = replace(FieldFolder(pair.fixed.parent, PROFILES["l2r2021"]), **fields)
    return Fingerprints(weights, own, folder).of(pair)


def test_equal_inputs_have_equal_fingerprints(pair: Pair) -> None:
    before = fingerprint(pair)
    os.utime(pair.fixed, (0, 0))
    assert fingerprint(pair) == before


def test_whatever_a_field_depends_on_changes_it(pair: Pair, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "fixed.nii").write_text("regions", encoding="utf-8")
    found = [
        fingerprint(pair),
        fingerprint(pair, weights="b"),
        fingerprint(pair, profile=PROFILES["l2r2022"]),
        fingerprint(pair, short_names=True),
        fingerprint(pair, own=own),
        fingerprint(replace(pair, fixed=pair.moving, moving=pair.fixed)),
    ]
    pair.moving.write_text("another", encoding="utf-8")
    found.append(fingerprint(pair))
    (own / "fixed.nii").write_text("other regions", encoding="utf-8")
    found.append(fingerprint(pair, own=own))
    (own / "moving.nii").write_text("regions", encoding="utf-8")
    found.append(fingerprint(pair, own=own))
    assert len(set(found)) == len(found)


def test_another_version_of_the_program_makes_another_field(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(pair)
    monkeypatch.setattr("pipeline.predict.fingerprint.program_version", lambda: "another")
    assert fingerprint(pair) != before


def test_a_file_that_changes_on_the_way_is_hashed_anew(pair: Pair, tmp_path: Path) -> None:
    fingerprints = Fingerprints("a", None, FieldFolder(tmp_path, PROFILES["l2r2021"]))
    before = fingerprints.of(pair)
    pair.fixed.write_text("longer than before", encoding="utf-8")
    assert fingerprints.of(pair) != before


def test_missing_inputs(pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(MissingVolume, match="segmentation"):
        fingerprint(pair, own=tmp_path / "own")
    pair.moving.unlink()
    with pytest.raises(MissingVolume, match=r"moving\.nii"):
        fingerprint(pair)


def test_an_input_that_cannot_be_read(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> str:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("pipeline.predict.fingerprint.file_hash", fail)
    with pytest.raises(VolumeError, match="Permission denied"):
        fingerprint(pair)


@pytest.mark.parametrize("closed", ["images", "own"])
def test_a_folder_that_may_not_be_searched(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    looked_at = Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        if (path.parent.name == "own") == (closed == "own"):
            raise PermissionError(13, "Permission denied", str(path))
        return looked_at(path, **options)

    monkeypatch.setattr(Path, "stat", stat)
    with pytest.raises(VolumeError):
        fingerprint(pair, own=tmp_path / "own" if closed == "own" else None)
