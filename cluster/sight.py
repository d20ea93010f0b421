"""Whether a worker sees the folders of the client, found out before it is given a job."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pairs.errors import OutputError, UsageError
from pairs.files.regularfile import open_regular, read_regular
from pairs.files.temporary import locked_temporary

__all__ = ["Mark", "Sight", "hash_of"]

_REMEDY = "give it the folders of the client, under the same names"


@dataclass(frozen=True)
class Mark:
    """A file that the client has put into a folder.

    Attributes:
        path: The file.
        text: What is in it.
    """

    path: Path
    text: str

    def require(self) -> None:
        """Refuses a folder of another machine, and one that cannot be written to.

        Raises:
            OutputError: It is one.
        """
        folder = self.path.parent
        try:
            seen = read_regular(self.path).decode(errors="replace")
        except OSError as error:
            seen = str(error)
        if seen != self.text:
            raise OutputError("it does not see the output folder", where=folder, got=seen, remedy=_REMEDY)
        try:
            with locked_temporary(folder, "") as temporary:
                temporary.write_bytes(b"probe")
        except OSError as error:
            what = "it cannot write to the output folder"
            raise OutputError(what, where=folder, got=error.strerror, remedy=_REMEDY) from error


@dataclass(frozen=True)
class Sight:
    """What a worker has to see.

    Attributes:
        read: Files that are read, and their hashes.
        mark: In the folder that is written to; None where there is none.
    """

    read: Mapping[Path, str]
    mark: Mark | None = None

    def require(self) -> None:
        """Refuses a machine that has other folders of these names, or none.

        Raises:
            UsageError: It does.
            OutputError: As of the mark.
        """
        for path, expected in self.read.items():
            if hash_of(path) != expected:
                raise UsageError("it does not see what is read", where=path, remedy=_REMEDY)
        if self.mark is not None:
            self.mark.require()


def hash_of(path: Path) -> str | None:
    """Returns the SHA-256 of a file; None where it cannot be read."""
    try:
        with open_regular(path) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
