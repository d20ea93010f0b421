"""Numbers of things, and the first few of many."""

import pytest

from pairs.process.counting import counted, first_few

__all__: list[str] = []


def test_one_is_in_the_singular() -> None:
    assert [counted(number, "pair") for number in (0, 1, 2)] == ["0 pairs", "1 pair", "2 pairs"]


@pytest.mark.parametrize(
    ("things", "sentence"),
    [([], ""), ((1, 2), "1, 2"), ("abc", "a, b, c"), ("abcde", "a, b, c and 2 more")],
)
def test_the_first_few_and_how_many_more(things: str, sentence: str) -> None:
    assert first_few(things, 3) == sentence


def test_what_stands_between_is_the_callers() -> None:
    assert first_few(["1) a", "2) b"], between=" ") == "1) a 2) b"
