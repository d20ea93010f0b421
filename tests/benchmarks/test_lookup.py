"""The three forms of the filter look-up are one, and the benchmark tells their times."""

import pytest
import torch

from benchmarks.lookup import Case, main

__all__: list[str] = []


def test_the_forms_agree() -> None:
    case = Case.random((20, 9, 17), 5, 6, torch.device("cpu"))
    assert case.labels.shape == (1, 20, 9, 17)
    assert case.labels.unique().numel() > 1
    expected = case.filter_per_voxel()
    assert torch.allclose(case.looked_up(), expected, atol=1e-5)
    assert torch.allclose(case.label_by_label(), expected, atol=1e-5)


def test_table_and_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--shape", "8", "9", "10", "--channels", "4", "--repeats", "1", "--device", "cpu"]) == 0
    told = capsys.readouterr().out
    assert "8x9x10, 14 regions, 4 channels, cpu" in told
    assert "| a filter per voxel |" in told
    assert "Claimed: 5 times as fast" in told


def test_sizes_are_positive() -> None:
    with pytest.raises(SystemExit):
        main(["--regions", "0"])
