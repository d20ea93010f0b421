"""What lies where data should be: a web page, or a pointer of Git LFS or git-annex."""

from pathlib import Path
from typing import NamedTuple

from pairs.files.regularfile import open_regular

__all__ = ["StandIn", "file_stand_in", "stand_in"]

_START = 512
_PAGE = (b"<!doctype", b"<html", b"<head", b"<?xml")
_ANNEX = (b"/annex/objects/", b".git/annex/objects/", b"../.git/annex/objects/")


class StandIn(NamedTuple):
    """What a download left in place of the data."""

    what: str
    remedy: str


def stand_in(start: bytes) -> StandIn | None:
    """Recognises what is no data by the first bytes of a file; None where it may be data."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"version https://git-lfs"):
        return StandIn("a Git LFS pointer", "fetch the file with `git lfs pull`")
    if text.startswith(_PAGE):
        return StandIn("a web page", "download it again: the link led to a page, perhaps one to log in")
    if text.startswith(_ANNEX):
        return StandIn("a git-annex pointer", "fetch the file with `datalad get` or `git annex get`")
    return None


def file_stand_in(path: Path) -> StandIn | None:
    """Recognises what is no data in a regular file; None also where it cannot be read."""
    try:
        with open_regular(path) as stream:
            return stand_in(stream.read(_START))
    except OSError:
        return None
