"""Damage is told in one sentence; declared sizes are held to."""

import io
from pathlib import Path

import pytest

from pairs.damage import damage_told, read_exactly
from pairs.errors import DisplacementError


@pytest.mark.parametrize(
    "error", [EOFError("ends"), RuntimeError("encrypted"), SyntaxError("no header"), MemoryError()]
)
def test_whatever_damage_raises_becomes_one_sentence(error: BaseException) -> None:
    with pytest.raises(DisplacementError, match="cannot be read") as told, damage_told(Path("disp.npz")):
        raise error
    assert "disp.npz" in str(told.value)


def test_missing_file_is_told_as_missing_and_not_as_damaged(tmp_path: Path) -> None:
    with pytest.raises(DisplacementError, match="missing"), damage_told(tmp_path / "disp.npz"):
        (tmp_path / "other.npz").open("rb")


def test_a_fault_of_the_program_is_not_called_damage() -> None:
    with pytest.raises(KeyError), damage_told(Path("disp.npz")):
        raise KeyError("programming")


def test_no_more_and_no_less_than_declared_is_read() -> None:
    assert read_exactly(io.BytesIO(b"abcd"), 4) == b"abcd"
    assert read_exactly(io.BytesIO(b"abcdef"), 4, to_the_end=False) == b"abcd"
    with pytest.raises(EOFError, match="3 of 4"):
        read_exactly(io.BytesIO(b"abc"), 4)
    with pytest.raises(ValueError, match="more data"):
        read_exactly(io.BytesIO(b"abcde"), 4)
