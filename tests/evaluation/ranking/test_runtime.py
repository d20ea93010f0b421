"""Runtimes from the command line: seconds, reports, and what cannot be either."""

import json
from pathlib import Path

import pytest

from evaluation.ranking.runtime import read_runtimes
from pairs.errors import TaskError, UsageError

_PAIRS = ("0001_0000<--0002_0000", "0001_0000<--0003_0000")


def _report(folder: Path, **status: str) -> Path:
    entries = [
        {"pair": pair, "status": status.get(f"p{index}", "done"), "seconds": 1.5 + index, "device": "cpu"}
        for index, pair in enumerate(_PAIRS)
    ]
    path = folder / "report.json"
    path.write_text(json.dumps({"task": "Toy", "pairs": entries}))
    return path


def test_seconds_are_of_every_pair() -> None:
    assert read_runtimes(["a=2.5", "b=x=3"], ["a", "b=x", "c"], _PAIRS) == {
        "a": dict.fromkeys(_PAIRS, 2.5),
        "b=x": dict.fromkeys(_PAIRS, 3.0),
    }


def test_a_report_tells_each_pair_that_has_a_field(tmp_path: Path) -> None:
    assert read_runtimes([f"a={_report(tmp_path, p1='failed')}"], ["a"], _PAIRS) == {"a": {_PAIRS[0]: 1.5}}


def test_a_report_fits_pairs_named_without_modalities(tmp_path: Path) -> None:
    runtimes = read_runtimes([f"a={_report(tmp_path)}"], ["a"], ["0001<--0003"])
    assert runtimes == {"a": {"0001<--0003": 2.5}}


@pytest.mark.parametrize(
    "settings", [["a"], ["=3"], ["a="], ["b=3"], ["a=-1"], ["a=nan"], ["a=inf"], ["a=1", "a=2"]]
)
def test_what_is_no_setting_is_refused(settings: list[str]) -> None:
    with pytest.raises(UsageError):
        read_runtimes(settings, ["a"], _PAIRS)


def test_reports_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="other pairs"):
        read_runtimes([f"a={_report(tmp_path)}"], ["a"], ["0009<--0008"])
    with pytest.raises(TaskError, match="missing"):
        read_runtimes([f"a={tmp_path / 'absent.json'}"], ["a"], _PAIRS)
    other = tmp_path / "other.json"
    other.write_text('{"pairs": [{"pair": "p"}]}')
    with pytest.raises(TaskError, match="seconds"):
        read_runtimes([f"a={other}"], ["a"], _PAIRS)
