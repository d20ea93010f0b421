"""Box plots of all pairs before and after registration, one row for each structure, as one picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from evaluation.picture.fileformat import write_picture
from evaluation.picture.footnotes import footnotes
from evaluation.picture.paper import PRINTED, Paper
from evaluation.picture.rows import Row, drawable, row_names, row_of, shown_methods
from evaluation.scoring.evaluate import Evaluation
from pairs.tasks.evaluation_config import Method

__all__ = ["boxplot_figure", "draw_boxplots"]

_DOTS_PER_INCH = 120
# Inches: width of a panel and of the numbers beside it, margin at all edges.
_PANEL, _NUMBERS, _MARGIN = 4.3, 1.3, 0.2
# Inches: height of a row, of one of many, of the title block, of the axis and of a line of notes.
_ROW, _TIGHT_ROW, _HEAD, _AXIS, _NOTE = 0.46, 0.36, 1.15, 0.5, 0.172
_MANY_ROWS = 20
# Inches, a generous mean over the letters of a name and of a note.
_NAME_LETTER, _NOTE_LETTER = 0.082, 0.07
_LONGEST_TITLE = 50
# Below the first number of values a box says less than its points; up to the second all points are shown.
_FEWEST_FOR_BOX, _FEW_VALUES = 4, 12
_UNITS = {"hd95": " [voxels]", "tre": " [mm]"}


def _draw_boxes(
    axes: Axes, values: Sequence[NDArray[np.float64]], shift: float, colour: str, paper: Paper
) -> None:
    """Draws a box for each row with values enough; points beyond its whiskers where these are many."""
    line = {"color": paper.ink, "linewidth": 0.8}
    beyond = {"marker": ".", "markersize": 4, "markerfacecolor": colour, "markeredgewidth": 0.3}
    beyond |= {"markeredgecolor": paper.ink}
    sizes = {index: row.size for index, row in enumerate(values) if row.size >= _FEWEST_FOR_BOX}
    for many in (False, True):
        chosen = [index for index, size in sizes.items() if (size > _FEW_VALUES) == many]
        if chosen:
            axes.boxplot(
                [values[index] for index in chosen],
                positions=[index + shift for index in chosen],
                widths=0.32,
                orientation="horizontal",
                patch_artist=True,
                manage_ticks=False,
                showfliers=many,
                boxprops={"facecolor": colour, "edgecolor": paper.ink, "linewidth": 0.7},
                medianprops={"color": paper.median if colour == paper.after else "black", "linewidth": 1.6},
                whiskerprops=line,
                capprops=line,
                flierprops=beyond,
            )


def _draw_points(
    axes: Axes, values: Sequence[NDArray[np.float64]], shift: float, colour: str, paper: Paper
) -> None:
    """Draws every value of the rows that have few, side by side in height so that equal ones stay apart."""
    # A white edge parts points from a dark box, and needs a larger point to be seen alone.
    edge, size = (paper.median, 30) if colour == paper.after else (paper.ink, 18)
    for index, row in enumerate(values):
        if 0 < row.size <= _FEW_VALUES:
            spread = 0.09 * np.linspace(-1, 1, row.size) if row.size > 1 else np.zeros(1)
            heights = index + shift + spread
            axes.scatter(row, heights, s=size, color=colour, edgecolors=edge, linewidths=0.6, zorder=4)


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.isfinite(values)]


def _medians(row: Row, metric: str) -> str:
    digits = 2 if metric in ("hd95", "tre") else 3
    sides = [_finite(side) for side in ((row.after,) if metric == "sdlogj" else (row.before, row.after))]
    return " → ".join(f"{np.median(side):.{digits}f}" if side.size else "none" for side in sides)


def _dress(axes: Axes, method: Method, count: int, paper: Paper) -> None:
    """Sets limits, title and lines of a panel with `count` rows, once its values are drawn."""
    for index in range(0, count, 2):
        axes.axhspan(index - 0.5, index + 0.5, color=paper.band, zorder=0)
    if count > 1:
        axes.axhline(count - 1.5, color=paper.ink, linewidth=0.8)
    axes.set_ylim(count - 0.5, -0.5)
    # A little below zero and above one, so that points on the limits are whole.
    end = 1.0 if method.metric == "dice" else max(axes.dataLim.x1, 1e-3)
    low, high = -0.02 * end, (1.02 if method.metric == "dice" else 1.05) * end
    axes.set_xlim(low, high)
    axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= high])
    better = "higher" if method.metric == "dice" else "lower"
    title = f"{drawable(method.name)}{_UNITS.get(method.metric, '')}, {better} is better"
    axes.set_title(title, fontsize=10.5, loc="left", color=paper.ink)
    axes.grid(axis="x", color=paper.quiet, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=paper.ink)
    axes.tick_params(axis="y", length=0)
    axes.patch.set_visible(False)
    axes.spines["bottom"].set_color(paper.ink)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _draw_panel(axes: Axes, rows: Sequence[Row], method: Method, paper: Paper) -> None:
    for shift, colour, sides in (
        (-0.2, paper.before, [_finite(row.before) for row in rows]),
        (0.2, paper.after, [_finite(row.after) for row in rows]),
    ):
        _draw_boxes(axes, sides, shift, colour, paper)
        _draw_points(axes, sides, shift, colour, paper)
    _dress(axes, method, len(rows), paper)
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "fontsize": 8.5, "color": paper.ink}
    for index, row in enumerate(rows):
        axes.text(1.03, index, _medians(row, method.metric), va="center", **beside)
    axes.text(1.03, -0.6, "median", va="bottom", **beside)


def _write_around(figure: Figure, evaluation: Evaluation, notes: str, paper: Paper) -> None:
    """Writes the title, the key of the colours and the notes."""
    width, height = figure.get_size_inches()
    left, count = _MARGIN / width, len(evaluation.scores)
    title = f"{drawable(evaluation.name, _LONGEST_TITLE)}, {count} pair{'s' if count > 1 else ''}"
    figure.text(left, 1 - 0.3 / height, title, fontsize=14, weight="bold", va="center", color=paper.ink)
    evaluator = f"evaluator {evaluation.evaluator.name}"
    figure.text(left, 1 - 0.6 / height, evaluator, fontsize=10, color=paper.ink, va="center")
    figure.text(left, _MARGIN / height, notes, fontsize=9, color=paper.ink, va="bottom", linespacing=1.35)
    figure.legend(
        [Patch(facecolor=colour, edgecolor=paper.ink) for colour in (paper.before, paper.after)],
        ("before registration", "after"),
        loc="center right",
        bbox_to_anchor=(1 - left, 1 - 0.6 / height),
        ncols=2,
        frameon=False,
        borderaxespad=0,
        fontsize=10,
        labelcolor=paper.ink,
    )


def boxplot_figure(evaluation: Evaluation, paper: Paper = PRINTED) -> Figure:
    """Returns the box plots of Dice and HD95 of all pairs before and after registration.

    Each structure has a row, and the values of whole pairs the last one. Values of few pairs are drawn as
    points. NaN and infinity are left out of the boxes and of the medians beside them, and named under them.
    A task without structures gets its TRE drawn, one without points too its SDlogJ.

    Args:
        evaluation: The scores of at least one pair.
        paper: What it is drawn on.
    """
    names = row_names(evaluation)
    methods = shown_methods(evaluation)
    left = _MARGIN + 0.15 + _NAME_LETTER * max(len(name) for name in names.values())
    width = left + len(methods) * (_PANEL + _NUMBERS)
    notes = footnotes(evaluation, int((width - 2 * _MARGIN) / _NOTE_LETTER))
    foot = _AXIS + _NOTE * (notes.count("\n") + 1) + _MARGIN
    rows = len(names) * (_TIGHT_ROW if len(names) > _MANY_ROWS else _ROW)
    height = _HEAD + rows + foot
    figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, facecolor=paper.background)
    FigureCanvasAgg(figure)
    for index, method in enumerate(methods):
        start = left + index * (_PANEL + _NUMBERS)
        axes = figure.add_axes((start / width, foot / height, _PANEL / width, rows / height))
        _draw_panel(axes, [row_of(evaluation, method, label) for label in names], method, paper)
        axes.set_yticks(range(len(names)), list(names.values()) if index == 0 else [""] * len(names))
    _write_around(figure, evaluation, notes, paper)
    return figure


def draw_boxplots(evaluation: Evaluation, out: Path) -> None:
    """Writes `boxplot_figure` in the format that the file name says.

    Args:
        evaluation: The scores of at least one pair.
        out: The file to write.

    Raises:
        OutputError: If the file cannot be written.
    """
    write_picture(boxplot_figure(evaluation), out)
