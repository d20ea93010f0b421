"""The zip of a submission, with the same bytes for the same fields."""

import shutil
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path

from evaluation.submission.checker import Check
from pairs.errors import UsageError
from pairs.files.regularfile import open_regular
from pairs.files.wholefile import whole_file

__all__ = ["Member", "field_members", "write_zip"]

# The earliest date that a zip can hold.
_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_MODE = 0o100644 << 16


@dataclass(frozen=True)
class Member:
    """One file of the zip.

    Attributes:
        name: Its name in the zip.
        source: The file, or its bytes.
    """

    name: str
    source: Path | bytes


def field_members(check: Check, folder: str = "") -> list[Member]:
    """Returns the fields of the task's pairs; other files of the folder are left out.

    Args:
        check: The outcome, without errors.
        folder: Folder in the zip; empty for a flat one.
    """
    prefix = f"{folder}/" if folder else ""
    return [Member(prefix + found.entry.base, found.entry.path) for found in check.fields]


def write_zip(path: Path, members: Iterable[Member]) -> int:
    """Writes the zip, sorted by name, with fixed dates and modes.

    Fields are compressed already, so they are stored: the bytes then depend on no compressor.

    Returns:
        Its size in bytes.

    Raises:
        UsageError: If two members share a name.
        OutputError: If it cannot be written.
    """
    ordered = sorted(members, key=lambda member: member.name)
    _require_distinct(ordered)
    with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for member in ordered:
            _add(archive, member)
    return path.stat().st_size


def _add(archive: zipfile.ZipFile, member: Member) -> None:
    info = zipfile.ZipInfo(member.name, _DATE)
    info.create_system, info.external_attr = _UNIX, _MODE
    info.compress_type = zipfile.ZIP_STORED
    if isinstance(member.source, bytes):
        info.file_size = len(member.source)
        with archive.open(info, "w") as target:
            shutil.copyfileobj(BytesIO(member.source), target)
        return
    # The size decides whether the member needs 64-bit entries.
    info.file_size = member.source.stat().st_size
    with open_regular(member.source) as source, archive.open(info, "w") as target:
        shutil.copyfileobj(source, target)


def _require_distinct(members: Sequence[Member]) -> None:
    for one, other in pairwise(members):
        if one.name == other.name:
            raise UsageError("two files in the zip have the same name", where=one.name)
