"""The benchmarks of `warp` and of exported fields print what they claim to measure."""

import pytest

from benchmarks import exports, warping

__all__: list[str] = []


@pytest.mark.slow
def test_the_table_of_warp(capsys: pytest.CaptureFixture[str]) -> None:
    assert warping.main(["--shape", "24", "20", "16", "--amplitude", "1.5"]) == 0
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines() if line.startswith("| l2r")]
    assert len(rows) == 6
    residuals = [float(row[6]) for row in rows if "inverse" in row[2]]
    assert max(residuals) <= 0.05
    # A process of NumPy and SciPy alone, whatever its parent holds.
    assert all(float(row[3]) > 0 for row in rows)


def test_a_program_that_is_missing_is_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = exports.Reader("itk", "no-such-package", "")
    monkeypatch.setattr(exports, "READERS", {"itk: nothing": absent})
    assert exports.main([]) == 0
    assert capsys.readouterr().out.splitlines()[-1].count(" - |") == 4
