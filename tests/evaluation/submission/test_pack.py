"""The zip: sorted, dated alike, whole or absent."""

import hashlib
import os
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.submission.pack import Member, write_zip
from pairs.errors import OutputError, UsageError


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_bytes_from_files_of_other_dates_and_modes(tmp_path: Path) -> None:
    digests = set()
    for number in (1, 2):
        source = tmp_path / f"source{number}"
        source.write_bytes(b"field" * 1000)
        source.chmod(0o600 if number == 1 else 0o755)
        os.utime(source, (number * 1e8, number * 1e8))
        members = [Member("b", source), Member("a", b"zero")]
        size = write_zip(tmp_path / f"{number}.zip", members if number == 1 else members[::-1])
        assert size == (tmp_path / f"{number}.zip").stat().st_size
        digests.add(digest(tmp_path / f"{number}.zip"))
    assert len(digests) == 1


@given(
    st.dictionaries(st.text("abc_/", min_size=1, max_size=8), st.binary(max_size=50), min_size=1, max_size=5)
)
def test_what_goes_in_comes_out_sorted(contents: dict[str, bytes]) -> None:

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.zip"
        write_zip(path, [Member(name, content) for name, content in contents.items()])
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            assert archive.namelist() == sorted(contents)
            assert {name: archive.read(name) for name in archive.namelist()} == contents
            for info in archive.infolist():
                assert info.date_time == (1980, 1, 1, 0, 0, 0)
                assert (info.external_attr >> 16, info.create_system) == (0o100644, 3)


def test_two_members_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        write_zip(tmp_path / "a.zip", [Member("a", b""), Member("a", b"x")])
    assert list(tmp_path.iterdir()) == []


def test_a_failed_zip_leaves_the_earlier_one(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", [Member("a", b"earlier")])
    before = digest(tmp_path / "a.zip")
    with pytest.raises(OutputError):
        write_zip(tmp_path / "a.zip", [Member("a", b"x"), Member("b", tmp_path / "gone")])
    assert digest(tmp_path / "a.zip") == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
