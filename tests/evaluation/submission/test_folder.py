"""The folder of fields: links, pipes, subfolders, and a folder that is absent, empty or closed."""

import os
from pathlib import Path

import pytest

from pairs.errors import NothingToDo, UsageError
from tests.evaluation.submission.conftest import FIRST, Known, check, told

__all__: list[str] = []


def test_symlinks(known: Known, fields: Path) -> None:
    (fields / FIRST).rename(fields.parent / "elsewhere.npz")
    (fields / FIRST).symlink_to(fields.parent / "elsewhere.npz")
    outcome = check(known, fields)
    assert outcome.accepted
    assert told(outcome, severity="warning") == [("symlink", FIRST)]
    (fields.parent / "elsewhere.npz").unlink()
    assert told(check(known, fields)) == [("file", FIRST)]


def test_a_named_pipe_is_not_opened(known: Known, fields: Path) -> None:
    (fields / FIRST).unlink()
    os.mkfifo(fields / FIRST)
    assert told(check(known, fields)) == [("file", FIRST)]


def test_a_subfolder(known: Known, tmp_path: Path) -> None:
    known.write(tmp_path / "fields" / "task_03", "l2r2021")
    outcome = check(known, tmp_path / "fields", None)
    assert [rule for rule, _ in told(outcome)] == ["nested"] * 3
    assert outcome.profile.name == "l2r2021"


def test_a_subfolder_that_may_not_be_searched_is_not_taken_for_empty(
    known: Known, fields: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fields / "closed").mkdir()
    search = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return search(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError, match="closed"):
        check(known, fields)


def test_no_folder_and_an_empty_one(known: Known, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        check(known, tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToDo):
        check(known, tmp_path / "empty")
