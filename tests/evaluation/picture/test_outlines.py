"""Paths: closed outlines around voxels, and grid lines that bend as the field does."""

import re

import numpy as np
import pytest

from evaluation.picture.outlines import STEPS, grid_lines, label_outlines, mask_outline, outline_colours

__all__: list[str] = []


def points(path: str) -> list[np.ndarray]:
    """The corners of each line of a path, in voxels."""
    lines = []
    for part in path.split("M")[1:]:
        start, steps = part.rstrip("z").split("l")
        first = np.array([int(number) for number in re.findall(r"-?\d+", start)])
        moves = np.array([int(number) for number in re.findall(r"-?\d+", steps)]).reshape(-1, 2)
        lines.append(np.concatenate(([first], first + np.cumsum(moves, axis=0))) / STEPS)
    return lines


def area(line: np.ndarray) -> float:
    x, y = line.T
    return abs(float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())) / 2


def test_an_outline_goes_around_its_voxels() -> None:
    mask = np.zeros((8, 9), bool)
    mask[2:5, 3:7] = True
    (line,) = points(mask_outline(mask))
    assert line.min(axis=0).tolist() == [3, 2]
    assert line.max(axis=0).tolist() == [7, 5]
    # Each corner is cut by half a voxel.
    assert area(line) == pytest.approx(3 * 4 - 4 * 0.125)


def test_what_touches_the_border_is_closed() -> None:
    path = mask_outline(np.ones((4, 5), bool))
    assert path.count("M") == path.count("z") == 1
    assert area(points(path)[0]) == pytest.approx(4 * 5 - 4 * 0.125)


def test_nothing_has_no_outline() -> None:
    assert mask_outline(np.zeros((4, 5), bool)) == ""
    assert label_outlines(np.zeros((4, 5), np.uint8), [1, 2]) == {}


def test_each_label_that_is_there_has_its_own() -> None:
    labels = np.zeros((9, 9), np.uint8)
    labels[1:3, 1:3], labels[5:8, 5:8], labels[0, 8] = 1, 2, 9
    found = label_outlines(labels, [1, 2, 3])
    assert sorted(found) == [1, 2]
    assert area(points(found[2])[0]) > area(points(found[1])[0])


def test_colours_are_those_of_css() -> None:
    assert all(re.fullmatch(r"#[0-9a-f]{6}", colour) for colour in outline_colours(range(1, 14)).values())
    assert len(set(outline_colours(range(1, 36)).values())) == 35


def test_grid_lines_are_where_the_field_leads_to() -> None:
    rows, columns = np.indices((32, 32), dtype=np.float64)
    still = points(grid_lines(columns, rows))
    # A line every 2 voxels, without the one on the last.
    assert len(still) == 30
    assert all(np.ptp(line, axis=0).min() < 1e-6 for line in still)
    # u = 3 in columns: what lies at column c comes from c + 3, so that the lines move to the left.
    moved = points(grid_lines(columns + 3, rows))
    upright = sorted(float(line[0, 0]) for line in moved if np.ptp(line[:, 0]) < 1e-6)
    before = sorted(float(line[0, 0]) for line in still if np.ptp(line[:, 0]) < 1e-6)
    assert upright[0] + 3 in before
    assert np.allclose(np.diff(upright), 2)


def test_a_bent_grid_keeps_within_a_tenth_of_a_voxel() -> None:
    rows, columns = np.indices((48, 48), dtype=np.float64)
    bend = 2 * np.sin(rows / 7)
    for line in points(grid_lines(columns + bend, rows)):
        if np.ptp(line[:, 1]) < 40:
            continue
        # On a line, column + bend is one level.
        level = line[:, 0] - 0.5 + 2 * np.sin((line[:, 1] - 0.5) / 7)
        assert np.ptp(level) < 0.25
