"""The figures of a table, from made-up scores."""

import csv
import math
from pathlib import Path
from statistics import stdev

import pytest

from studies.report import markdown_of, write_pairs_csv
from studies.scores import PairScores, Scores
from studies.smoothness import correlation_of
from studies.table import Published, Result, Row, require_rows
from studies.variant import Variant

__all__: list[str] = []

PLAIN = Row("plain", Variant("plain"), Published(50.32, 20.2, 0.35))
TEXT = Row("text", Variant("text"), against="plain", columns={"Ns": "8"})
INITIAL, ABSENT = Row("initial"), Row("absent", missing="needs a file")


def made_up(dice: list[float], sdlogj: float = 0.1, folds: float = 0.0) -> Scores:
    """Scores of as many pairs as there are Dice, all registered from 0.5."""
    pairs = {
        f"pair {number}": PairScores(value, 0.5, 2.0, 4.0, sdlogj, folds, (value,), (0.5,))
        for number, value in enumerate(dice)
    }
    mean = sum(dice) / len(dice)
    return Scores(0.5, mean, 2.0, sdlogj, 0.3, folds, pairs)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def table(*results: Result) -> dict[str, dict[str, str]]:
    lines = [line for line in markdown_of(results).splitlines() if line.startswith("|")]
    header = cells(lines[0])
    rows = [dict(zip(header, cells(line), strict=True)) for line in lines[2:]]
    return {row[""]: row for row in rows}


def test_means_and_spreads_are_over_what_they_say() -> None:
    """Two seeds of three pairs: means 0.6 and 0.7; pairs 0.55, 0.65, 0.75 on average."""
    row = table(Result(PLAIN, (made_up([0.4, 0.6, 0.8]), made_up([0.7, 0.7, 0.7]))))["plain"]
    assert row["seeds"] == "2"
    assert row["Dice [%]"] == "65.00"
    assert row["± pairs"] == f"{100 * stdev([0.55, 0.65, 0.75]):.2f}" == "10.00"
    assert row["± seeds"] == f"{100 * stdev([0.6, 0.7]):.2f}" == "7.07"
    assert [row[f"paper: {name}"] for name in ("Dice [%]", "HD95", "SDlogJ")] == ["50.32", "20.20", "0.35"]


def test_a_row_is_tested_against_another_pair_by_pair() -> None:
    rows = table(Result(PLAIN, (made_up([0.5, 0.6, 0.7]),)), Result(TEXT, (made_up([0.51, 0.62, 0.73]),)))
    assert rows["text"]["against"] == "plain"
    assert rows["text"]["Dice difference [95 % interval]"].startswith("+2.00 [+1.")
    # Differences 1, 2, 3 of a hundred: t = 2 sqrt(3), two degrees of freedom.
    t = 2 * math.sqrt(3)
    assert float(rows["text"]["p"]) == pytest.approx(1 - t / math.sqrt(t**2 + 2), rel=0.05)
    assert rows["plain"]["p"] == ""
    assert (rows["text"]["Ns"], rows["plain"]["Ns"]) == ("8", "")


def test_rows_without_a_training_say_so() -> None:
    rows = table(Result(INITIAL), Result(ABSENT), Result(PLAIN, (made_up([0.6, 0.8]),)), Result(TEXT))
    assert rows["initial"]["Dice [%]"] == "50.00"
    assert rows["initial"]["HD95 [voxels]"] == "4.00"
    assert rows["absent"]["seeds"] == "not run"
    assert (rows["text"]["seeds"], rows["text"]["Dice [%]"]) == ("0", "")


def test_every_pair_of_every_seed_is_in_the_csv(tmp_path: Path) -> None:
    write_pairs_csv(tmp_path / "pairs.csv", [Result(PLAIN, (made_up([0.5, 0.6]), made_up([0.7, 0.8])))])
    with (tmp_path / "pairs.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["Dice"]) for row in rows] == [
        ("0", "0.5"),
        ("0", "0.6"),
        ("1", "0.7"),
        ("1", "0.8"),
    ]


def test_smoothness_and_folds_on_a_line_correlate_fully() -> None:
    """Folds are 0.01 times SDlogJ; the fourth model alone has another share, and lowers r but not rho."""
    line = [Result(PLAIN, tuple(made_up([0.5], x, x / 100) for x in (0.1, 0.2, 0.3)))]
    assert "3 models: Pearson's r = 1.000" in correlation_of(line)
    bent = [*line, Result(TEXT, (made_up([0.5], 0.4, 0.9),))]
    assert "Pearson's r = 0.776" in correlation_of(bent)
    assert "Spearman's rho = 1.000" in correlation_of(bent)


def test_no_correlation_is_told_of_too_few_or_of_equal_models() -> None:
    assert correlation_of([Result(PLAIN, (made_up([0.5], 0.1, 0.1),) * 2)]) == ""
    assert "no correlation" in correlation_of([Result(PLAIN, (made_up([0.5], 0.1, 0.1),) * 3)])


def test_rows_without_a_training_stay_whatever_is_asked_for() -> None:
    assert require_rows([INITIAL, PLAIN, TEXT], ["text"]) == [INITIAL, TEXT]
