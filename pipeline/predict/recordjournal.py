"""The journal beside a long report: a line for each pair, in place of the whole report after each pair."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from pairs.errors import OutputError
from pairs.files.regularfile import read_regular
from pipeline.predict.pairrecord import PairRecord

__all__ = ["append_record", "journalled_records"]

log = logging.getLogger(__name__)


def append_record(path: Path, record: PairRecord) -> None:
    """Adds a line, which the system has when this returns: a killed process loses at most the line it writes.

    Raises:
        OutputError: It cannot be written.
    """
    line = record.model_dump_json().encode() + b"\n"
    try:
        with path.open("a+b") as stream:
            if stream.tell():
                stream.seek(-1, os.SEEK_END)
                # A line that was cut off is ended first; whatever is written goes to the end of the file.
                line = line if stream.read(1) == b"\n" else b"\n" + line
            stream.write(line)
    except OSError as error:
        raise OutputError("cannot write", where=path, got=error.strerror or str(error)) from error


def journalled_records(path: Path) -> Iterator[PairRecord]:
    """Yields the records in the order in which they were written; nothing where there is no journal."""
    try:
        lines = read_regular(path).splitlines()
    except OSError:
        return
    for line in lines:
        if line:
            try:
                yield PairRecord.model_validate_json(line)
            except ValidationError:
                log.warning("a line of %s is cut off or damaged; its pair is registered again", path)
