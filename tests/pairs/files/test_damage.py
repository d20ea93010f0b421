"""Damage is told in one sentence; declared sizes are held to."""

import io
import struct
import tokenize
from pathlib import Path

import pytest

from pairs.errors import BadLabels, DisplacementError, Stopped, WeightsError
from pairs.files.damage import damage_reported, read_exactly


@pytest.mark.parametrize(
    "error",
    [
        EOFError("ends"),
        RuntimeError("encrypted"),
        SyntaxError("no header"),
        MemoryError(),
        # What readers trip over has no kind in common.
        IndexError("list index out of range"),
        KeyError("dtype"),
        TypeError(),
        AssertionError(),
        struct.error("unpack requires 4 bytes"),
        tokenize.TokenError("EOF in multi-line statement"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_damage_raises_becomes_one_sentence(error: Exception) -> None:
    with pytest.raises(DisplacementError, match="cannot be read") as told, damage_reported(Path("disp.npz")):
        raise error
    assert "disp.npz" in str(told.value)
    assert told.value.__cause__ is error


def test_the_noun_and_the_class_are_the_callers() -> None:
    told_as = pytest.raises(WeightsError, match=r"text vectors cannot be read: v\.npz; got KeyError: 'a'")
    with told_as, damage_reported(Path("v.npz"), "text vectors", WeightsError):
        raise KeyError("a")


def test_missing_file_is_told_as_missing_and_not_as_damaged(tmp_path: Path) -> None:
    with pytest.raises(DisplacementError, match="missing"), damage_reported(tmp_path / "disp.npz"):
        (tmp_path / "other.npz").open("rb")


def test_an_unknown_exception_leaves_its_traceback_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level("DEBUG", logger="pairs"),
        pytest.raises(DisplacementError),
        damage_reported(Path("disp.npz")),
    ):
        raise KeyError("programming")
    assert "KeyError" in caplog.text


@pytest.mark.parametrize("error", [Stopped("stopped"), BadLabels("labels"), KeyboardInterrupt()])
def test_known_errors_and_signals_pass_through(error: BaseException) -> None:
    with pytest.raises(type(error)) as told, damage_reported(Path("disp.npz")):
        raise error
    assert told.value is error


def test_no_more_and_no_less_than_declared_is_read() -> None:
    assert read_exactly(io.BytesIO(b"abcd"), 4) == b"abcd"
    assert read_exactly(io.BytesIO(b"abcdef"), 4, to_the_end=False) == b"abcd"
    with pytest.raises(EOFError, match="3 of 4"):
        read_exactly(io.BytesIO(b"abc"), 4)
    with pytest.raises(ValueError, match="more data"):
        read_exactly(io.BytesIO(b"abcde"), 4)
