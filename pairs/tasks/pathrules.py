"""Which path texts of a pair list may name a file of the task folder."""

import errno
import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from pairs.errors import TaskError
from pairs.process.counting import counted

__all__ = ["SymlinkLeaves", "link_faults", "resolve_inside"]

# CuRIOUS writes "/imagesTr/..." and means the task folder.
_DATA_FOLDER = re.compile(r"(images|labels|masks|keypoints|landmarks)\w*")
# That of Linux; some file systems take less.
_MAX_NAME_BYTES = 255
_DRIVE = re.compile(r"[A-Za-z]:")


class SymlinkLeaves(TaskError):
    """A path of the task folder that a symlink leads out of it."""


def link_faults(links: Mapping[str, str]) -> list[str]:
    """Returns what is said of paths that lead out of the task folder: one sentence, however many there are.

    Args:
        links: The sentence of each of them by the text of its path.
    """
    sentences = list(links.values())
    if len(sentences) <= 1:
        return sentences
    return [f"{sentences[0]}; the same for {counted(len(sentences) - 1, 'more link')}"]


def resolve_inside(root: Path, text: str, *, follow_links: bool = False) -> Path:
    """Returns the path that `text` names in the task folder; nothing is opened.

    A leading slash before a data folder (`/imagesTr/...`) is taken as relative to the task folder, as the
    CuRIOUS release writes it; any other absolute path must lie in the task folder.

    Args:
        root: The task folder.
        text: The path as the pair list gives it.
        follow_links: Whether a symlink inside the task folder may point out of it, as in datalad checkouts.

    Raises:
        SymlinkLeaves: If a symlink leads out of the task folder.
        TaskError: If the text leaves the task folder by `..`, an absolute path, a drive or `~`, or
            holds a character that no path of a task has.
    """
    relative = _relative(root, text)
    path = root / relative
    _require_possible(path, text)
    if follow_links:
        return path
    try:
        target, home = path.resolve(), root.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise TaskError("path cannot be resolved", where=text, got=str(error)) from error
    if not target.is_relative_to(home):
        remedy = "give --follow-links to read it, or copy the file into the task folder"
        raise SymlinkLeaves("symlink leaves the task folder", where=text, got=target, remedy=remedy)
    return path


def _require_possible(path: Path, text: str) -> None:
    """Refuses a name that no file can have; any other may be that of a file that is missing."""
    longest = max(len(os.fsencode(part)) for part in path.parts)
    try:
        path.lstat()
    except OSError as error:
        if longest > _MAX_NAME_BYTES or error.errno == errno.ENAMETOOLONG:
            raise TaskError(
                "path is too long for the file system",
                where=f"{text[:80]}...",
                expected=f"names of up to {_MAX_NAME_BYTES} bytes",
                got=f"{longest} of {len(os.fsencode(path))}",
            ) from error


def _relative(root: Path, text: str) -> PurePosixPath:
    """Checks the text alone and returns it relative to the root."""
    if not text.isprintable():
        raise TaskError("path holds a control character", where=text)
    if "\\" in text or _DRIVE.match(text):
        raise TaskError(
            "Windows path refused", where=text, expected="a path relative to the task folder with /"
        )
    path = PurePosixPath(text)
    if text.startswith("~"):
        raise TaskError("home folder path refused", where=text, expected="a path relative to the task folder")
    if ".." in path.parts:
        raise TaskError("path with .. refused", where=text, expected="a path that stays in the task folder")
    if path.is_absolute():
        path = _from_absolute(root, path)
    if not path.name:
        raise TaskError("path names no file", where=repr(text))
    return path


def _from_absolute(root: Path, path: PurePosixPath) -> PurePosixPath:
    if path.root == "/" and len(path.parts) > 2 and _DATA_FOLDER.fullmatch(path.parts[1]):
        return path.relative_to("/")
    for home in (root, root.absolute(), root.resolve()):
        if path.is_relative_to(home):
            return path.relative_to(home)
    raise TaskError(
        "absolute path outside the task folder", where=str(path), expected=f"a path inside {root}"
    )
