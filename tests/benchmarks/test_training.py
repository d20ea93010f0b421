"""The benchmark of several training processes, on a small network: what it prints, and what it refuses."""

import pytest

from benchmarks.training import HEADER, main

__all__: list[str] = []


@pytest.mark.slow
def test_one_row_for_one_process_and_one_for_two(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--steps", "30", "--repeats", "1", "--shrink", "8", "--device", "cpu"]
    assert main(few) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "HippocampusMR, 16x16x16, batch 2, cpu"
    header, _, one, two = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:])
    assert header == list(HEADER)
    assert (one[0], one[-1]) == ("1", "1.00")
    assert two[0] == "2"


def test_processes_that_cannot_share_the_batch_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--processes", "2", "--batch", "3", "--device", "cpu"]) == 2
    assert "cannot share the batch" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--repeats", "0"])
