"""Lines as SVG paths: outlines of labels and masks, and the deformation grid."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from contourpy import FillType, LineType, contour_generator
from matplotlib.colors import to_hex
from matplotlib.path import Path
from numpy.typing import NDArray

from evaluation.picture.panels import structure_colours

__all__ = ["STEPS", "grid_lines", "grid_step", "label_outlines", "mask_outline", "outline_colours"]

STEPS = 10
"""Units of a path in a voxel. Voxel i covers STEPS * i to STEPS * (i + 1)."""

# Lines across the longer side: more would merge, fewer would hide detail.
_GRID_LINES = 16


def outline_colours(labels: Sequence[int]) -> Mapping[int, str]:
    """Returns the colour of each label, as CSS has it."""
    return {label: to_hex(colour) for label, colour in structure_colours(labels).items()}


def label_outlines(labels: NDArray[np.integer], wanted: Iterable[int]) -> Mapping[int, str]:
    """Returns the outline of each label that is in a section (rows, columns)."""
    present = set(np.unique(labels).tolist())
    return {label: mask_outline(labels == label) for label in wanted if label in present}


def mask_outline(mask: NDArray[np.bool_]) -> str:
    """Returns the closed outline of a mask (rows, columns) as the `d` of a path; empty where it is."""
    if not mask.any():
        return ""
    # A margin closes the outlines of what touches the border.
    lines = _levels(np.pad(mask, 1).astype(np.float64), [0.5])
    return "".join(_path(line - 0.5, closed=True) for line in lines)


def grid_step(shape: tuple[int, int]) -> int:
    """Returns the voxels between two lines of the grid on a section of this shape."""
    return max(2, round(max(shape) / _GRID_LINES))


def grid_lines(columns: NDArray[np.float64], rows: NDArray[np.float64]) -> str:
    """Returns the moving image's voxel grid as the displacement carries it onto the fixed image.

    The lines are level sets of where the voxels are led to, so they bend exactly as the warped image does.

    Args:
        columns: The column to which each voxel of a section (rows, columns) is led.
        rows: The row, likewise.
    """
    step = grid_step((columns.shape[0], columns.shape[1]))
    drawn = []
    for target in (columns, rows):
        if min(target.shape) < 2:
            continue
        levels = np.arange(step // 2, max(target.shape), step)
        for line in _levels(target, levels[(levels > target.min()) & (levels < target.max())]):
            # What is nearly straight needs few points.
            few = Path(STEPS * (line + 0.5)).cleaned(simplify=True)
            points = np.asarray(few.vertices, dtype=np.float64)[np.asarray(few.codes) != Path.STOP]
            drawn.append(_path(points / STEPS, closed=False))
    return "".join(drawn)


def _levels(values: NDArray[np.float64], levels: Iterable[float]) -> list[NDArray[np.float64]]:
    """Returns the level sets, points (column, row), with the centre of voxel i at i."""
    generator = contour_generator(z=values, line_type=LineType.Separate, fill_type=FillType.OuterOffset)
    return [np.asarray(line) for level in levels for line in generator.lines(float(level))]


def _path(points: NDArray[np.float64], *, closed: bool) -> str:
    """Writes a line in voxels as steps of whole units, without those that go on in the direction before."""
    places = np.rint(STEPS * points).astype(np.int64)
    moves = np.diff(places, axis=0)
    moves = moves[moves.any(axis=1)]
    if len(moves) == 0:
        return ""
    turns = np.any(moves[1:] != moves[:-1], axis=1)
    runs = np.add.reduceat(moves, np.concatenate(([0], np.flatnonzero(turns) + 1)))
    text = " ".join(f"{x} {y}" for x, y in (runs[:-1] if closed else runs).tolist())
    start = f"{places[0, 0]} {places[0, 1]}"
    return f"M{start}l{text.replace(' -', '-')}{'z' if closed else ''}"
