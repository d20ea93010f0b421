"""The table the benchmarks print."""

import pytest

from studies.markdown import markdown_table

__all__: list[str] = []


def test_columns_are_padded_and_numbers_stand_to_the_right() -> None:
    table = markdown_table(("weights", "Dice"), [["a", "0.8400"], ["longer name", "1"]])
    assert table.splitlines() == [
        "| weights     |   Dice |",
        "| ----------- | -----: |",
        "| a           | 0.8400 |",
        "| longer name |      1 |",
    ]


def test_a_bar_in_a_cell_does_not_split_it() -> None:
    assert markdown_table(("a|b",), [["c"]]).splitlines()[0] == "| a\\|b |"


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        markdown_table(("a", "b"), [["c"]])
