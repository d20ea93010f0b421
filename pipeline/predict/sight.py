"""Whether a worker sees the folders of a run, told before it is given a pair."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pairs.errors import OutputError, UsageError, VolumeError
from pairs.files.regularfile import read_regular
from pairs.files.temporary import locked_temporary
from pairs.tasks.pair import Pair
from pipeline.predict.fingerprint import Fingerprints
from pipeline.predict.plan import Plan
from pipeline.regions.source import segmentation_file
from pipeline.weights.bundle import file_hash

__all__ = ["Sight", "sight_of"]


@dataclass(frozen=True)
class Sight:
    """What a worker sees if its folders are those of the client.

    Attributes:
        read: Files that are read, and their hashes.
        mark: A file in the output folder.
        text: What is in it.
    """

    read: Mapping[Path, str]
    mark: Path
    text: str

    def require(self) -> None:
        """Refuses a machine that sees other folders of these names, or none.

        Raises:
            UsageError: It does.
            OutputError: It cannot write to the output folder.
        """
        remedy = "give it the folders of the client, under the same names"
        for path, sha256 in self.read.items():
            if _content(path) != sha256:
                raise UsageError("it does not see what is read", where=path, remedy=remedy)
        folder = self.mark.parent
        try:
            seen = read_regular(self.mark).decode(errors="replace")
        except OSError as error:
            seen = str(error)
        if seen != self.text:
            raise OutputError("it does not see the output folder", where=folder, got=seen, remedy=remedy)
        try:
            with locked_temporary(folder, "") as temporary:
                temporary.write_bytes(b"probe")
        except OSError as error:
            raise OutputError(
                "it cannot write to the output folder", where=folder, got=error.strerror
            ) from error


def _content(path: Path) -> str | None:
    try:
        return file_hash(path)
    except OSError:
        return None


@contextmanager
def sight_of(
    plan: Plan, fingerprints: Fingerprints, segmentations: Path | None, output: Path
) -> Iterator[Sight]:
    """What the workers of a run have to see, which is in its folders while the block lasts.

    Raises:
        OutputError: the output folder cannot be written to.
    """
    read: dict[Path, str] = {}
    for pair in plan.todo:
        try:
            read = {path: fingerprints.content(path) for path in _files(pair, segmentations)}
            break
        except VolumeError:
            # Its turn comes, and with it the report of what is wrong.
            continue
    text = secrets.token_hex()
    with ExitStack() as stack:
        try:
            mark = stack.enter_context(locked_temporary(output, ""))
            mark.write_text(text, encoding="ascii")
        except OSError as error:
            raise OutputError("cannot write", where=output, got=error.strerror) from error
        yield Sight(read, mark, text)


def _files(pair: Pair, segmentations: Path | None) -> tuple[Path, ...]:
    own = () if segmentations is None else (segmentation_file(segmentations, pair.fixed),)
    return pair.fixed, *own
