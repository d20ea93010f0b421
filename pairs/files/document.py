"""JSON and CSV text from users, read with limits on size, encoding and form."""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Never

from pydantic import ValidationError

from pairs.errors import TaskError
from pairs.files.regularfile import NotRegularFile, open_regular
from pairs.files.standin import stand_in

__all__ = ["MAX_DOCUMENT_BYTES", "brief", "field_faults", "read_content", "read_document", "read_text"]

MAX_DOCUMENT_BYTES = 64 * 1024**2

_MAX_DEPTH = 100
# The escape of a surrogate, of which a character outside the basic plane has two.
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")
# By pydantic's name of the fault; for other faults its own sentence is shown.
_EXPECTED = {
    "dict_type": "an object {...}",
    "model_type": "an object {...}",
    "model_attributes_type": "an object {...}",
    "list_type": "a list [...]",
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
}
_OTHER_ENCODINGS = (
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"\x1f\x8b", "a gzip file"),
    (b"PK", "a zip file"),
)


def read_text(path: Path) -> str:
    """Reads a UTF-8 text file of at most 64 MiB, with or without a byte order mark.

    Raises:
        TaskError: As `read_content`, or if the file is not UTF-8.
    """
    return _decode(read_content(path), path)


def read_content(path: Path) -> bytes:
    """Reads the bytes of a text file of at most 64 MiB.

    Raises:
        TaskError: If the file is missing, not a file, empty, too large, unreadable, or a web page or pointer
            in place of one.
    """
    try:
        with open_regular(path) as stream:
            content = stream.read(MAX_DOCUMENT_BYTES + 1)
    except FileNotFoundError as error:
        raise TaskError("file is missing", where=path) from error
    except NotRegularFile as error:
        raise TaskError("not a regular file", where=path, got=error.strerror) from error
    except OSError as error:
        raise TaskError("cannot read", where=path, got=error.strerror or str(error)) from error
    if len(content) > MAX_DOCUMENT_BYTES:
        expected = f"at most {MAX_DOCUMENT_BYTES // 1024**2} MiB"
        raise TaskError(
            "file is too large", where=path, expected=expected, got=f"{path.stat().st_size} bytes"
        )
    if not content.removeprefix(b"\xef\xbb\xbf").strip():
        raise TaskError("file is empty", where=path)
    if (found := stand_in(content)) is not None:
        raise TaskError("not the file itself", where=path, got=found.what, remedy=found.remedy)
    return content


def read_document(path: Path, *, nonfinite: bool = False) -> object:
    """Reads one JSON document; deep nesting and contradicting duplicate keys are refused.

    Args:
        path: The file.
        nonfinite: Whether the bare tokens NaN and Infinity, and numbers beyond double precision, are taken;
            the official evaluators write them.

    Raises:
        TaskError: As `read_text`, or if the text is not strict JSON; names line and column where known.
    """
    text = read_text(path)
    try:
        document = json.loads(
            text,
            parse_constant=None if nonfinite else _refuse_constant,
            parse_float=None if nonfinite else _finite,
            object_pairs_hook=_without_contradictions,
        )
        if _is_deep(document):
            raise RecursionError
        if _HALF_CHARACTER.search(text):
            # Such text can be neither printed nor written, nor be part of a file name.
            json.dumps(document, ensure_ascii=False).encode()
        return document
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise TaskError("not valid JSON", where=path, got=f"{error.msg} in {place}") from error
    except RecursionError as error:
        raise TaskError("JSON is nested too deeply", where=path) from error
    except UnicodeEncodeError as error:
        got = "half of a character, such as \\ud83d without its second half"
        raise TaskError("not valid JSON", where=path, got=got) from error
    except ValueError as error:
        raise TaskError("not valid JSON", where=path, got=str(error)) from error


def field_faults(error: ValidationError, where: str = "") -> list[str]:
    """Returns one sentence for each fault that pydantic found, with the field path (`training[3].image`).

    Args:
        error: What pydantic found.
        where: Path of the validated value in the document.
    """
    faults = error.errors(include_url=False)
    return [f"{_field_path(where, fault['loc'])}: {_plain_words(fault)}" for fault in faults]


def _plain_words(fault: Mapping[str, object]) -> str:
    """Says a fault without the library's words for types."""
    if fault["type"] == "missing":
        return "is missing"
    expected = _EXPECTED.get(str(fault["type"]))
    return f"{f'expected {expected}' if expected else fault['msg']}; got {brief(fault['input'])}"


def brief(value: object) -> str:
    """A value as Python writes it, cut at 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _decode(content: bytes, path: Path) -> str:
    for magic, encoding in _OTHER_ENCODINGS:
        if content.startswith(magic):
            raise TaskError(
                "wrong encoding", where=path, expected="UTF-8", got=encoding, remedy="save it as UTF-8"
            )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        got = f"byte 0x{content[error.start]:02x} in line {line}"
        raise TaskError(
            "wrong encoding", where=path, expected="UTF-8", got=got, remedy="save it as UTF-8"
        ) from error


def _field_path(path: str, location: tuple[int | str, ...]) -> str:
    for part in location:
        # The empty key stands for "not keyed by modality"; it is ours, the user's file does not have it.
        if isinstance(part, int):
            path += f"[{part}]"
        elif part:
            path += f".{part}" if path else part
    return path or "the document"


def _is_deep(document: object) -> bool:
    """Whether values lie more than `_MAX_DEPTH` levels deep: whoever prints or compares them recurses."""
    level = [document]
    for _ in range(_MAX_DEPTH):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True


def _refuse_constant(token: str) -> Never:
    raise ValueError(f"the token {token}")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:20]}, which is beyond double precision")
    return number


def _without_contradictions(items: list[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for key, value in items:
        # json keeps the last of two equal keys and would drop a pair list without a word.
        if key in members and members[key] != value:
            raise ValueError(f"the key {key[:40]!r} twice with different values")
        members[key] = value
    return members
