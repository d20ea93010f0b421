"""The command: which methods and pairs are taken, and the table from scores of the evaluator itself."""

import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks import rivals
from benchmarks.methods import trials as module
from benchmarks.methods.method import Method, NotAtHand
from benchmarks.methods.trial import PROFILE, Trial
from pairs.fields.displacement import write_displacement
from pairs.tasks.pair import Pair

__all__: list[str] = []


def absent(task: object) -> str:
    raise NotAtHand("package is not installed", where="absent")


@pytest.fixture
def methods(monkeypatch: pytest.MonkeyPatch) -> None:
    """`still` moves nothing, `failed` fails and `gone` is not installed."""

    def tried(self: module.Trials, name: str, pair: Pair, fields: Path) -> Trial:
        write_displacement(fields, pair, np.zeros((48, 48, 48, 3), np.float32), PROFILE)
        return Trial(math.nan, math.nan, math.nan, "crashed") if name == "failed" else Trial(1.0, 2.0, 300.0)

    made_by = {"still": lambda task: "still 1", "failed": lambda task: "failed 1", "gone": absent}
    monkeypatch.setattr(
        rivals, "METHODS", {name: Method(name, True, say, lambda _: None) for name, say in made_by.items()}
    )
    monkeypatch.setattr(module.Trials, "_tried", tried)


@pytest.mark.slow
@pytest.mark.usefixtures("methods")
def test_the_table_has_a_row_for_each_method_at_hand(
    shifted_task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--task", str(shifted_task), "--methods", "still", "failed", "gone", "--work", str(tmp_path)]
    assert rivals.main([*command, "--first", "1"]) == 0
    out, told = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith("Toy, 1 pair, ")
    names = [line.split("|")[1].strip() for line in lines if line.startswith("|")]
    assert names == ["method", "-" * 19, "before registration", "still", "failed"]
    before, still = (line.split("|") for line in lines if "before" in line or line.startswith("| still"))
    # The evaluator gives the Dice of a displacement of zero as that before registration.
    assert float(before[2]) == float(still[2]) < 0.9
    assert "failed failed on 1 of 1 pairs" in out
    assert "gone is left out: package is not installed: absent" in told
    assert "1/1 0001_0000<--0002_0000 still: 1.0 s" in told
    assert "1/1 0001_0000<--0002_0000 failed: crashed" in told


@pytest.mark.usefixtures("methods")
def test_nothing_at_hand(shifted_task: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rivals.main(["--task", str(shifted_task), "--methods", "gone"]) == 2
    assert "no method is at hand" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--first", "0"], ["--limit-s", "0"], ["--limit-s", "nan"]])
def test_numbers_that_make_no_sense(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        rivals.main(["--task", "Toy", *option])
    assert option[0] in capsys.readouterr().err
