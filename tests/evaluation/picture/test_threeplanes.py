"""The picture of two scans: proportions, directions and squares, seen in what is drawn."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from evaluation.picture import threeplanes
from evaluation.picture.threeplanes import ThreeImages, draw_three_planes

__all__: list[str] = []

SHAPE = (20, 30, 10)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """What would have been written."""
    drawn: list[Figure] = []
    monkeypatch.setattr(threeplanes, "write_picture", lambda figure, *_: drawn.append(figure))
    return drawn


def drawn(figures: list[Figure], affine: np.ndarray, *, labels: bool = False, placed: bool = True) -> Figure:
    fixed = np.full(SHAPE, 1, np.float32)
    fixed[0, 0, 0] = 0
    bright = np.array(fixed)
    # Towards the end of the first axis.
    bright[15:] = 2
    label_map = (bright == 2).astype(np.uint8)
    maps = (label_map, label_map, label_map) if labels else None
    draw_three_planes(ThreeImages((fixed, bright, bright), maps, affine, placed), Path("a.png"), "t", ("l",))
    return figures[-1]


def test_voxels_have_their_true_proportions(figures: list[Figure]) -> None:
    axes = drawn(figures, np.diag((1.0, 2, 6, 1))).axes
    assert len(axes) == 15
    # Height of a voxel over its width: axial y by x, coronal z by x, sagittal z by y.
    assert [axes[row * 5].get_aspect() for row in range(3)] == [2, 6, 3]
    for row, (right_mm, up_mm) in enumerate(((20, 60), (20, 60), (60, 60))):
        left, right = axes[5 * row].get_xlim()
        bottom, top = axes[5 * row].get_ylim()
        spacing = [(1, 2), (1, 6), (2, 6)][row]
        assert ((right - left) * spacing[0], (top - bottom) * spacing[1]) == (right_mm, up_mm)


def test_the_patients_right_is_on_the_right_however_it_is_stored(figures: list[Figure]) -> None:
    stored = np.diag((-1.0, 1, 1, 1))
    for affine, at_right in ((np.eye(4), True), (stored, False)):
        moving = drawn(figures, affine).axes[1].get_images()[0].get_array()
        assert moving is not None
        assert (moving[5, -1] > moving[5, 1]) == at_right
    letters = [text.get_text() for text in drawn(figures, stored).axes[0].texts]
    assert letters == ["L", "R", "P", "A"]
    assert len(drawn(figures, stored, placed=False).axes[0].texts) == 0


def test_the_chessboard_has_squares_of_both(figures: list[Figure]) -> None:
    axes = drawn(figures, np.eye(4)).axes
    fixed, _, after, _, board = (np.asarray(axis.get_images()[0].get_array()) for axis in axes[:5])
    differs = np.abs(fixed - after) > 0.1
    taken = np.where(differs, np.abs(board - after) < 1e-6, np.nan)
    assert 0.3 < np.nanmean(taken) < 0.7


def test_labels_are_outlined(figures: list[Figure]) -> None:
    without, with_labels = drawn(figures, np.eye(4)), drawn(figures, np.eye(4), labels=True)
    assert [len(axis.collections) for axis in without.axes[:5]] == [0] * 5
    # Those of the fixed image are dashed over the moving one.
    assert [len(axis.collections) for axis in with_labels.axes[:5]] == [1, 2, 2, 0, 0]


def test_a_png_is_written(tmp_path: Path) -> None:
    images = np.random.default_rng(0).random((3, 8, 9, 2), np.float32)
    shown = ThreeImages((images[0], images[1], images[2]), None, np.diag((0.5, 0.5, 9, 1)), True)
    draw_three_planes(shown, tmp_path / "a.png", "f <- m", ("one", "two"))
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
