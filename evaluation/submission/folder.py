"""The files in a folder of fields and its subfolders."""

import os
from dataclasses import dataclass
from pathlib import Path

from evaluation.submission.findings import Finding, error, warning
from pairs.errors import NothingToDo, UsageError
from pairs.files.reportnames import is_report

__all__ = ["Entry", "entry_findings", "list_entries"]

_MACOS_FOLDER = "__MACOSX"
_MAX_DEPTH = 3


@dataclass(frozen=True)
class Entry:
    """One file of the folder.

    Attributes:
        path: The file.
        name: Its name relative to the folder, with forward slashes.
    """

    path: Path
    name: str

    @property
    def base(self) -> str:
        """The name without subfolders."""
        return self.path.name

    @property
    def nested(self) -> bool:
        """Whether the file is in a subfolder, which no host reads."""
        return "/" in self.name

    @property
    def link(self) -> bool:
        """Whether it is a symlink."""
        return self.path.is_symlink()

    @property
    def usable(self) -> bool:
        """Whether there is a regular, non-empty file at the end of the path."""
        return self.path.is_file() and self.path.stat().st_size > 0


def list_entries(folder: Path) -> tuple[Entry, ...]:
    """Lists the files of a folder in the order of their names; hidden ones and reports of runs are left out.

    Links to folders are listed as files, never followed.

    Raises:
        UsageError: If there is no such folder.
        NothingToDo: If it holds no file.
        OSError: If it cannot be read.
    """
    if not folder.is_dir():
        raise UsageError("no folder of fields", where=folder, remedy="give the folder that predict wrote")
    entries: list[Entry] = []
    for place, folders, files in os.walk(folder, onerror=_raise):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        deep = len(Path(place).relative_to(folder).parts) >= _MAX_DEPTH
        folders[:] = [] if deep else [name for name in folders if _is_listed(name) and name not in links]
        for name in (*files, *links):
            path = Path(place) / name
            if _is_listed(name) and not (path.parent == folder and is_report(name)):
                entries.append(Entry(path, path.relative_to(folder).as_posix()))
    if not entries:
        raise NothingToDo("no fields in the folder", where=folder, remedy="run predict first")
    return tuple(sorted(entries, key=lambda entry: (entry.nested, entry.name)))


def entry_findings(entry: Entry) -> list[Finding]:
    """Lists what is wrong with a field as a file, before it is opened."""
    path, name = entry.path, entry.name
    found: list[Finding] = []
    if entry.link:
        remedy = "submit packs the file it points to; copy it if you zip by hand"
        found.append(warning("symlink", name, "field is a symlink", expected="a file", remedy=remedy))
    if not path.is_file():
        got = "a broken link" if entry.link and not path.exists() else "not a regular file"
        found.append(
            error(
                "file",
                name,
                "field is not a file",
                expected="a file",
                got=got,
                remedy="register the pair again",
            )
        )
    elif path.stat().st_size == 0:
        found.append(error("empty", name, "file is empty", got="0 bytes", remedy="register the pair again"))
    return found


def _raise(error: OSError) -> None:
    # A folder that may not be read is an error of its own: its fields are not missing.
    raise error


def _is_listed(name: str) -> bool:
    return not name.startswith(".") and name != _MACOS_FOLDER
