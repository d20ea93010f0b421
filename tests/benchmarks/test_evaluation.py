"""The phantom is what it says, the official steps agree with ours on it, and the table tells both."""

import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evaluation import Comparison, largest_difference, main, render
from benchmarks.officialsteps import OfficialNumbers
from benchmarks.onepair import OnePair, measure, read_one_pair
from benchmarks.onepair import main as measure_one
from benchmarks.phantom import cell_labels, smooth_half_field, write_phantom
from studies.process import NoFigure

__all__: list[str] = []

_SHAPE = (24, 20, 28)


def _numbers(shift: float = 0.0) -> OfficialNumbers:
    return OfficialNumbers(0.1 + shift, (0.5, math.nan), (2.0, math.inf))


def test_the_phantom_is_the_same_every_time() -> None:
    labels = cell_labels(_SHAPE, 5)
    assert labels.shape == _SHAPE
    assert np.array_equal(np.unique(labels), range(6))
    assert np.array_equal(labels, cell_labels(_SHAPE, 5))
    assert not np.array_equal(labels, cell_labels(_SHAPE, 5, 0.05))
    field = smooth_half_field(_SHAPE)
    assert (field.shape, field.dtype) == ((3, 12, 10, 14), np.float16)
    assert 1 < np.abs(field).max() < 10


def test_both_sides_give_the_same_numbers(tmp_path: Path) -> None:
    pytest.importorskip("surface_distance", reason="needs the PyPI package surface-distance")
    write_phantom(tmp_path, _SHAPE, 5)
    official, ours = (measure(side, tmp_path) for side in ("official", "ours"))
    assert largest_difference(official.numbers, ours.numbers) < 1e-6
    assert len(ours.numbers.dice) == 5
    assert 0 < np.nanmean(ours.numbers.dice) < 1


def test_a_measurement_survives_its_file(tmp_path: Path) -> None:
    write_phantom(tmp_path / "phantom", _SHAPE, 3)
    out = tmp_path / "ours.json"
    assert measure_one(["ours", str(tmp_path / "phantom"), str(out)]) == 0
    result = read_one_pair(out)
    assert result.wall_s > 0
    assert result.numbers == measure("ours", tmp_path / "phantom").numbers


def test_the_table_has_medians_of_ratios_and_the_largest_difference() -> None:
    runs = tuple(
        (OnePair(a, 2 * a, _numbers()), OnePair(b, b, _numbers(1e-9))) for a, b in ((8, 1), (20, 2), (6, 0.5))
    )
    row = render([Comparison("pair", runs, ((100, 50), (120, 40), (110, 60)))]).splitlines()[-1]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["pair", "8.00", "1.00", "10.0 [9.0, 11.0]", "20.0", "120", "60", "1.0e-09"]


def test_what_is_absent_must_be_absent_on_both_sides() -> None:
    assert largest_difference(_numbers(), _numbers(0.25)) == pytest.approx(0.25)
    with pytest.raises(NoFigure, match="absent or infinite"):
        largest_difference(_numbers(), OfficialNumbers(0.1, (0.5, 0.5), (2.0, math.inf)))


@pytest.mark.parametrize("arguments", [["--repeats", "0"], ["--size", "13", "12", "12", "3"]])
def test_impossible_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
