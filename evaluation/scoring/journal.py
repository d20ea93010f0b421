"""The journal of a running evaluation: finished pairs, kept so that a killed run can continue."""

import dataclasses
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from evaluation.scoring.score import PairScore
from pairs.errors import OutputError
from pairs.files.regularfile import open_regular, read_regular

__all__ = ["Journal", "fingerprint"]

log = logging.getLogger(__name__)

# To be raised whenever a number or the form of a line changes: older journals then no longer match.
_VERSION = 2
_LINE_START = b'{"fingerprint": "'
# A score is trusted by its hash, since one flipped bit may make it another well-formed score.
_LINE = re.compile(rb'\{"fingerprint": "([^"]*)", "sha256": "([0-9a-f]{64})", "score": (\{.*\})\}')
_SCORES = TypeAdapter(PairScore)


def fingerprint(settings: Iterable[object], contents: Iterable[Path | NDArray[np.generic]]) -> str:
    """Returns what identifies a score: SHA-256 over the settings and the contents it is computed from.

    Args:
        settings: Everything but files that a number depends on; its `repr` counts.
        contents: Files, or contiguous arrays in place of a file, in a fixed order.

    Raises:
        OSError: If a file cannot be read.
    """
    digest = hashlib.sha256(repr((_VERSION, *settings)).encode())
    for content in contents:
        if isinstance(content, Path):
            with open_regular(content) as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        else:
            digest.update(hashlib.sha256(content.data).digest())
    return digest.hexdigest()


class Journal:
    """A file of JSON lines, one finished `PairScore` each with its hash and that of what it was made from.

    A line is handed to the system at once, so that a killed process loses at most the line it was writing.
    Lines that are cut off, damaged or of other inputs are ignored one by one.
    """

    def __init__(self, path: Path | None) -> None:
        """Reads the scores of an earlier run.

        Args:
            path: The file, which need not exist; None keeps no journal.

        Raises:
            OutputError: If the file cannot be read, or is something else than a journal.
        """
        self._path = path
        self._lock = Lock()
        self._kept: dict[str, PairScore] = {} if path is None else _read(path)

    @property
    def wanted(self) -> bool:
        """Whether scores are kept at all."""
        return self._path is not None

    @property
    def holds_any(self) -> bool:
        """Whether there is any score of an earlier run."""
        return bool(self._kept)

    def find(self, key: str, field: Path) -> PairScore | None:
        """Returns the score of these inputs, with the path its field has now; None if it is not there."""
        score = self._kept.get(key)
        return None if score is None else dataclasses.replace(score, field=field)

    def add(self, key: str, score: PairScore) -> None:
        """Writes one line.

        Raises:
            OutputError: If the file cannot be written.
        """
        if self._path is None:
            return
        content = json.dumps(dataclasses.asdict(score) | {"field": score.field.name})
        line = f'{{"fingerprint": "{key}", "sha256": "{_hash(key, content)}", "score": {content}}}\n'.encode()
        with self._lock:
            try:
                _append(self._path, line)
            except OSError as error:
                raise _output_error(self._path, error) from error


def _output_error(path: Path, error: OSError) -> OutputError:
    return OutputError("journal cannot be used", where=path, got=error.strerror or str(error))


def _read(path: Path) -> dict[str, PairScore]:
    try:
        lines = read_regular(path).splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _output_error(path, error) from error
    if lines and not lines[0].startswith(_LINE_START[: len(lines[0])]):
        # The file is extended, and removed at the end, so it must not be another file of the user.
        raise OutputError("not a journal of an evaluation", where=path, remedy="move the file away")
    kept = {}
    for line in lines:
        found = _LINE.fullmatch(line)
        try:
            key, stored, content = ("", "", "") if found is None else map(bytes.decode, found.groups())
            if not stored or stored != _hash(key, content):
                raise ValueError("another hash")
            kept[key] = _SCORES.validate_json(content)
        except (ValueError, ValidationError):
            log.warning("a line of %s is cut off or damaged; its pair is scored again", path)
    return kept


def _hash(key: str, content: str) -> str:
    return hashlib.sha256(f"{key} {content}".encode()).hexdigest()


def _append(path: Path, line: bytes) -> None:
    with path.open("a+b") as stream:
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            # A line that was cut off is ended first; whatever is written goes to the end of the file.
            if stream.read(1) != b"\n":
                stream.write(b"\n")
        stream.write(line)
