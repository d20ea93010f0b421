"""JSON and text from users: limits, encodings and strictness."""

import contextlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pairs.errors import TaskError
from pairs.files import document
from pairs.files.document import read_document, read_text


def written(folder: Path, content: bytes) -> Path:
    path = folder / "X_dataset.json"
    path.write_bytes(content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(TaskError) as caught:
        read_document(path)
    assert path.name in str(caught.value)
    return str(caught.value)


def test_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    assert read_document(written(tmp_path, b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b'{"a":\n 1,}', "line 2"),
        (b"fixed,moving\n1,2\n", "not valid JSON"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "1e999"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "not valid JSON"),
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested"),
        (b'{"a": 1, "a": 2}', "twice"),
        ('{"a": "é"}'.encode("latin-1"), "byte 0xe9 in line 1"),
        ('{"a": 1}'.encode("utf-16"), "UTF-16"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        # Parsed without ado, and too deep for whoever prints it.
        (b"[" * 900 + b"]" * 900, "nested"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, "nested"),
        (rb'{"\ud800": 1}', "half of a character"),
        (rb'{"a": ["\uDFFF"]}', "half of a character"),
    ],
)
def test_what_is_not_strict_json_is_refused_by_name(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in refusal(written(tmp_path, content))


def test_whole_characters_and_deep_documents_are_read(tmp_path: Path) -> None:
    assert read_document(written(tmp_path, rb'{"a": "\ud83d\ude00 \\ud800"}')) == {"a": "\U0001f600 \\ud800"}
    read_document(written(tmp_path, b"[" * 99 + b"]" * 99))


def test_numbers_that_are_none_are_read_where_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"a": [NaN, -Infinity, 1e999]}')
    found = read_document(path, nonfinite=True)
    assert str(found) == "{'a': [nan, -inf, inf]}"


def test_equal_duplicate_keys_do_no_harm(tmp_path: Path) -> None:
    assert read_document(written(tmp_path, b'{"a": 1, "a": 1}')) == {"a": 1}


def test_size_is_capped_before_parsing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge_dataset.json"
    with path.open("wb") as stream:
        stream.truncate(document.MAX_DOCUMENT_BYTES + 1)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr(json, "loads", never)
    assert "too large" in refusal(path)


def test_missing_file_and_folder_are_told_apart(tmp_path: Path) -> None:
    assert "missing" in refusal(tmp_path / "none.json")
    assert "not a regular file" in refusal(tmp_path)


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    assert "not a regular file" in refusal(tmp_path / "pipe.json")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_give_a_document_or_a_task_error(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, content)
    with contextlib.suppress(TaskError):
        read_document(path)


def test_text_keeps_its_lines(tmp_path: Path) -> None:
    assert read_text(written(tmp_path, b"a\r\nb\n")) == "a\r\nb\n"
