"""The table of methods, from scores and trials made up."""

import math

from benchmarks.methods.table import Result, render
from benchmarks.methods.trial import Trial
from studies.scores import PairScores, Scores

__all__: list[str] = []

PAIRS = ("a", "b")


def result(name: str, dice: tuple[float, float], *, is_rival: bool, failures: int = 0) -> Result:
    pairs = {
        pair: PairScores(one, 0.5, 2.0, 4.0, 0.05, 0.001, (one,), (0.5,))
        for pair, one in zip(PAIRS, dice, strict=True)
    }
    scores = Scores(0.5, sum(dice) / 2, 2.0, 0.05, 0.2, 0.001, pairs)
    trials = {pair: Trial(1.0 + index, 2.0, 300.0 + index) for index, pair in enumerate(PAIRS)}
    for pair in PAIRS[:failures]:
        trials[pair] = Trial(math.nan, math.nan, math.nan, "took longer than 60 s")
    return Result(name, is_rival, f"{name} 1.0", scores, trials)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_each_method_is_compared_with_the_best_rival() -> None:
    poor = result("poor", (0.6, 0.6), is_rival=True)
    good = result("good", (0.7, 0.8), is_rival=True)
    ours = result("ours", (0.9, 0.9), is_rival=False)
    header, _, before, *rows = render([poor, good, ours]).splitlines()[:6]
    assert len(cells(header)) == 9
    assert cells(before) == ["before registration", "0.5000", "4.000", "0", "0", "", "", "", ""]
    assert cells(rows[0])[:8] == ["poor", "0.6000", "2.000", "0.0500", "0.1000", "1.5", "2.0", "301"]
    assert [cells(row)[8] for row in rows] == [
        "-0.1500 [-0.2000, -0.1000]",
        "reference",
        "+0.1500 [+0.1000, +0.2000]",
    ]


def test_without_a_rival_there_is_no_comparison() -> None:
    header, *_ = render([result("ours", (0.9, 0.9), is_rival=False)]).splitlines()
    assert len(cells(header)) == 8


def test_versions_and_failures_are_said_below() -> None:
    lines = render(
        [
            result("slow", (0.5, 0.6), is_rival=True, failures=1),
            result("slower", (0.5, 0.5), is_rival=True, failures=2),
        ]
    ).splitlines()
    assert cells(lines[3])[5:8] == ["2.0", "2.0", "301"]
    assert cells(lines[4])[5:8] == ["", "", ""]
    assert lines[6:8] == ["- slow: slow 1.0", "- slower: slower 1.0"]
    said = "pairs, which count as not registered: a (took longer than 60 s)"
    assert lines[8] == f"- slow failed on 1 of 2 {said}"
    assert lines[9] == f"- slower failed on 2 of 2 {said}, b (took longer than 60 s)"
