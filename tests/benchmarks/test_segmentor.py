"""The segmentor's table, from label maps whose overlap and distance are known."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.segmentor import compare, render, structures_of
from pairs.images.volume import Volume, read_labels, write_volume

__all__: list[str] = []

NAMES = {1: "left bean", 2: "stem", 3: "right bean", 4: "left pea", 5: "right pea"}


def label_map(path: Path, array: np.ndarray) -> Volume:
    write_volume(path, array.astype(np.int16), np.diag([2.0, 2.0, 2.0, 1.0]))
    return read_labels(path)


def test_sides_of_one_structure_stand_together() -> None:
    assert structures_of(NAMES) == [("bean", (1, 3)), ("stem", (2,)), ("pea", (4, 5))]


def test_a_shifted_boundary_and_exchanged_sides_show(tmp_path: Path) -> None:
    true, seen = np.zeros((30, 20, 20)), np.zeros((30, 20, 20))
    true[2:8, 5:15, 5:15], true[20:26, 5:15, 5:15], true[12:16, 5:15, 5:15] = 1, 3, 2
    # The stem is found a voxel, which is 2 mm, too far on; half of the left bean is called the right one.
    seen[2:5, 5:15, 5:15], seen[5:8, 5:15, 5:15], seen[20:26, 5:15, 5:15] = 1, 3, 3
    seen[12:16, 6:16, 5:15] = 2
    maps = (label_map(tmp_path / "true.nii", true), label_map(tmp_path / "seen.nii", seen))
    scan = compare(*maps, structures_of(NAMES), 3.0, 500.0)
    assert scan.dice == {1: pytest.approx(2 / 3), 3: pytest.approx(0.8), 2: pytest.approx(0.9)}
    assert scan.joined == {"bean": 1.0, "stem": pytest.approx(0.9)}
    assert scan.apart_mm[2] == pytest.approx(0, abs=2)
    lines = render([scan, scan], structures_of(NAMES)).splitlines()
    assert [cell.strip() for cell in lines[2].split("|")[1:5]] == ["bean", "0.667", "0.800", "1.000"]
    assert [cell.strip() for cell in lines[3].split("|")[1:5]] == ["stem", "", "", "0.900"]
    assert "mean Dice of 3 labels" in lines[-4]


def test_a_structure_that_is_not_found_has_no_overlap(tmp_path: Path) -> None:
    true = np.zeros((10, 10, 10))
    true[2:8, 2:8, 2:8] = 2
    maps = (label_map(tmp_path / "true.nii", true), label_map(tmp_path / "seen.nii", 0 * true))
    scan = compare(*maps, structures_of(NAMES), 3.0, 500.0)
    assert scan.dice == {2: 0.0}
    assert scan.apart_mm == {2: np.inf}
