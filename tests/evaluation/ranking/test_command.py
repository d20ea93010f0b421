"""The verb `rank` from files to table, JSON and CSV."""

import argparse
import csv
import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from evaluation.ranking.command import add_arguments, run
from pairs.errors import TaskError, UsageError

_LEVELS = {"best": 0.8, "middle": 0.6, "worst": 0.3}
_PAIRS = 10


def _run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([*map(str, arguments)]))


def _write(folder: Path, name: str, level: float, *, before: bool = True, pairs: int = _PAIRS) -> Path:
    """Results in which a higher level is better under every metric, for all entries by a margin."""
    cases, true = {}, {}
    for index in range(pairs):
        pair = f"0001_0000<--{index:04d}_0000"
        dice = [level + 0.001 * index, level + 0.02]
        cases[pair] = {
            "LogJacDetStd": {"mean": 1 - level + 0.001 * index, "detailed": 1 - level},
            "DSC": {"mean": level, "detailed": dice},
            "HD95": {"mean": 5.0, "detailed": [10 * (1 - value) for value in dice]},
        }
        initial = {"mean": 0.2, "detailed": [0.1 + 0.01 * index, 0.3]}
        true[pair] = {"before": {"DSC": initial}}
    document: dict[str, object] = {"name": "Toy", "cases": cases, "eval_version": "2.0"}
    if before:
        document["true"] = {"cases": true}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [_write(tmp_path, name, level) for name, level in _LEVELS.items()]


def test_better_everywhere_is_first_under_both_tests(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, sheet = tmp_path / "ranks.json", tmp_path / "ranks.csv"
    assert _run(*files, "--json", out, "--csv", sheet, "--runtime", "best=1", "middle=2") == 0
    document = json.loads(out.read_text(), parse_constant=pytest.fail)
    assert list(document) == ["documented", "coded"]
    for entries in document.values():
        assert [entry["method"] for entry in entries] == ["best", "middle", "worst"]
        assert [entry["score"] for entry in entries] == pytest.approx([1.0, 0.55, 0.1])
        assert [entry["score_with_runtime"] for entry in entries] == pytest.approx([1.0, 0.55, 0.1])
        assert list(entries[0]["metrics"]) == ["Dice", "Dice30", "HD95", "SDlogJ", "runtime"]
        assert entries[1]["metrics"]["HD95"]["better_than"] == ["worst"]
        assert entries[2]["metrics"]["runtime"]["filled"] == _PAIRS
    assert document["coded"][0]["metrics"]["Dice30"]["entries"] == 6
    with sheet.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["test"], row["place"], row["method"]) for row in rows][:2] == [
        ("documented", "1", "best"),
        ("documented", "2", "middle"),
    ]
    assert rows[0]["Dice_better_than"] == "middle; worst"
    table = capsys.readouterr().out
    assert "Dice: all others" in table
    assert "runtime, 5000 in place of missing values: worst 10 of 10" in table
    assert "documented: Wilcoxon" in table
    assert "coded: rank sum" in table


def test_the_order_of_the_files_means_nothing(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, sheet = tmp_path / "ranks.json", tmp_path / "ranks.csv"
    told = set()
    for order in itertools.permutations(files):
        assert _run(*order, "--json", out, "--csv", sheet, "--runtime", "middle=2") == 0
        told.add((capsys.readouterr().out, out.read_text(), sheet.read_text()))
    assert len(told) == 1


def test_one_test_can_be_chosen(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    _run(*files, "--test", "coded")
    table = capsys.readouterr().out
    assert "rank sum" in table
    assert "Wilcoxon" not in table


def test_official_files_need_the_initial_dice_from_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    one, two = (_write(tmp_path, name, level, before=False) for name, level in (("one", 0.7), ("two", 0.5)))
    _run(one, two)
    assert "Dice30 is left out" in caplog.text
    assert "Dice30" not in capsys.readouterr().out
    _run(one, two, "--initial", two)
    table = capsys.readouterr().out
    assert "Dice30" in table
    # The initial state is ranked as in the challenge: without the merit of its smoothness.
    assert "SDlogJ, 1.5 in place of missing values: two 10 of 10" in table


def test_golden_files_of_both_layouts_are_ranked(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = shared / "golden" / "expected"
    for layout in ("v2", "half2021"):
        files = [expected / f"{layout}.{name}.json" for name in ("zero", "smooth", "folding")]
        assert _run(*files, "--initial", files[0], "--test", "coded") == 0
        table = capsys.readouterr().out
        assert any(line.startswith(f"3  {layout}.folding") for line in table.splitlines())
        assert f"Dice {15 if layout == 'v2' else 3}, Dice30" in table


def test_names_are_those_given_or_of_the_files_with_their_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = []
    for index, folder in enumerate(("ants", "greedy")):
        (tmp_path / folder).mkdir()
        paths.append(_write(tmp_path / folder, "metrics", 0.5 + index / 10))
    _run(*paths)
    assert "greedy/metrics" in capsys.readouterr().out
    _run(*paths, "--names", "\x1b[31mred", "blue")
    table = capsys.readouterr().out
    assert "\x1b" not in table
    assert "blue" in table


def _refused(files: Sequence[Path]) -> list[list[object]]:
    return [
        [files[0]],
        [files[0], files[0]],
        [*files, "--names", "a", "b"],
        [*files, "--names", "a", "b", "b"],
        [*files, "--runtime", "unknown=3"],
        [*files, "--json", files[0]],
        [*files, "--json", files[0].parent / "same", "--csv", files[0].parent / "same"],
    ]


@pytest.mark.parametrize("index", range(7))
def test_bad_usage_is_one_known_error_and_nothing_is_written(files: list[Path], index: int) -> None:
    before = {path: path.read_bytes() for path in files[0].parent.iterdir()}
    with pytest.raises(UsageError):
        _run(*_refused(files)[index])
    assert {path: path.read_bytes() for path in files[0].parent.iterdir()} == before


def test_a_file_that_holds_no_results_is_named(files: list[Path], tmp_path: Path) -> None:
    other = tmp_path / "config.json"
    other.write_text('{"task_name": "Toy"}')
    with pytest.raises(TaskError, match=r"config\.json"):
        _run(*files, other)


def test_files_of_other_tasks_or_evaluators_are_told(
    files: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    document = json.loads(files[0].read_text())
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**document, "name": "Tox", "true": {"evaluator": "2020"}}))
    _run(*files[1:], other)
    assert "different tasks: Tox, Toy" in caplog.text
    assert "may differ: 2.0, 2020" in caplog.text


def test_few_pairs_are_told_to_be_too_few_for_the_signed_rank(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _run(*(_write(tmp_path, name, level, pairs=5) for name, level in (("one", 0.7), ("two", 0.5))))
    assert "with 5 pairs the signed rank test cannot find a difference" in caplog.text
