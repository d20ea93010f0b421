"""The benchmark of many pairs, on few: what it prints, and what it refuses."""

import pytest

from benchmarks.scale import main

__all__: list[str] = []


@pytest.mark.slow
def test_the_stand_in_is_done_and_gone_on_with(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--part", "stand-in", "--pairs", "30", "--seconds", "0.01"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = dict([cell.strip() for cell in line.strip("|").split("|")] for line in lines if line)
    assert rows["pairs, seconds of each"] == "30, 0.01"
    assert float(rows["peak memory of client and scheduler [MiB]"]) > 50
    assert float(rows["first of the last 10 pairs done after [s]"]) > 0


@pytest.mark.parametrize(
    "words", [["--part", "pairs"], ["--pairs", "10"], ["--kills", "0"], ["--seconds", "0"]]
)
def test_arguments_without_a_figure_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(words)
