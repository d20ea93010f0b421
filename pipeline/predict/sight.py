"""What a worker of a run has to see: its files that are read, and a mark in its output folder."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cluster.sight import Mark, Sight
from pairs.errors import OutputError, VolumeError
from pairs.files.temporary import locked_temporary
from pairs.tasks.pair import Pair
from pipeline.predict.fingerprint import Fingerprints
from pipeline.predict.plan import Plan
from pipeline.regions.source import segmentation_file

__all__ = ["sight_of"]


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
        yield Sight(read, Mark(mark, text))


def _files(pair: Pair, segmentations: Path | None) -> tuple[Path, ...]:
    own = () if segmentations is None else (segmentation_file(segmentations, pair.fixed),)
    return pair.fixed, *own
