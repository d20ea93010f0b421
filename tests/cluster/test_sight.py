"""What a worker has to see before it is given a job."""

from pathlib import Path

import pytest

from cluster.sight import Mark, Sight, hash_of
from pairs.errors import KnownError, OutputError, UsageError

__all__: list[str] = []


@pytest.fixture
def sight(tmp_path: Path) -> Sight:
    image, mark = tmp_path / "image.nii.gz", tmp_path / "out" / "mark"
    image.write_bytes(b"voxels")
    mark.parent.mkdir()
    mark.write_text("a run")
    found = hash_of(image)
    assert found is not None
    return Sight({image: found}, Mark(mark, "a run"))


def test_the_folders_of_the_client_are_seen(sight: Sight, tmp_path: Path) -> None:
    sight.require()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["image.nii.gz", "mark", "out"]


@pytest.mark.parametrize(
    ("file", "content", "error", "message"),
    [
        ("image.nii.gz", None, UsageError, "it does not see what is read"),
        ("image.nii.gz", b"others", UsageError, "it does not see what is read"),
        ("out/mark", None, OutputError, "No such file or directory"),
        ("out/mark", b"another run", OutputError, "it does not see the output folder"),
    ],
)
def test_a_machine_with_other_folders_is_refused(
    sight: Sight, tmp_path: Path, file: str, content: bytes | None, error: type[KnownError], message: str
) -> None:
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(error, match=message):
        sight.require()


def test_a_folder_that_cannot_be_written_to_is_refused(sight: Sight, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cluster.sight.locked_temporary", full)
    with pytest.raises(OutputError, match=r"it cannot write to the output folder.*No space left"):
        sight.require()
