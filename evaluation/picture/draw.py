"""One picture of one pair: what was to be registered, what came out, and how the displacement did it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from evaluation.picture.caption import headline, legend_entries
from evaluation.picture.fileformat import require_format, write_picture
from evaluation.picture.panels import (
    draw_contours,
    draw_difference,
    draw_grid,
    draw_image,
    structure_colours,
    unit_contrast,
)
from evaluation.picture.slices import Plane, View, best_plane, body_view
from evaluation.scoring.case import Case, load_case
from evaluation.scoring.methods import default_methods
from evaluation.scoring.score import score_pair
from evaluation.scoring.warp import warp_image, warp_labels
from pairs.errors import UsageError
from pairs.images.volume import read_image
from pairs.tasks.task import Pair, Task

__all__ = ["draw_pair"]

_LEGEND_COLUMNS = 3
_DOTS_PER_INCH = 120
# Inches: width of a panel, height of the title block, and of one row of the legend.
_PANEL, _TITLE, _LEGEND_ROW = 3.7, 0.75, 0.26


@dataclass(frozen=True)
class _Shown:
    """What the panels show of a pair.

    Attributes:
        plane: The plane through the volumes.
        view: The part of the plane that is not empty.
        aspect: Height of a voxel over its width.
        images: Fixed, moving and warped image (up, right) in [0, 1].
        labels: The same three of labels, or nothing where the task has none.
        errors: Mean absolute difference to the fixed image over the volume, before and after.
    """

    plane: Plane
    view: View
    aspect: float
    images: tuple[NDArray[np.float32], ...]
    labels: tuple[NDArray[np.integer], ...]
    errors: tuple[float, float]


def _shown(case: Case) -> _Shown:
    """Reads the images of a pair and cuts all that is shown along the best plane."""
    u = case.field.displacement
    fixed, moving = read_image(case.pair.fixed), read_image(case.pair.moving)
    greys = [unit_contrast(fixed.array), unit_contrast(moving.array)]
    greys.append(warp_image(greys[1], u))
    maps = []
    plane = Plane(2, u.shape[2] // 2)
    if case.fixed is not None and case.moving is not None:
        maps = [case.fixed.array, case.moving.array, warp_labels(case.moving.array, u)]
        plane = best_plane(case.fixed)
    right, up = plane.in_plane_axes
    images = tuple(plane.cut(grey) for grey in greys)
    return _Shown(
        plane=plane,
        view=body_view(images[:2]),
        aspect=fixed.header.spacing_mm[up] / fixed.header.spacing_mm[right],
        images=images,
        labels=tuple(plane.cut(label_map) for label_map in maps),
        errors=(float(np.abs(greys[1] - greys[0]).mean()), float(np.abs(greys[2] - greys[0]).mean())),
    )


def _draw_images(axes: Sequence[Axes], shown: _Shown, colours: Mapping[int, Any]) -> None:
    for axis, image, title in zip(axes, shown.images, ("fixed", "moving", "warped moving"), strict=True):
        draw_image(axis, image, title)
    for axis, labels in zip(axes, shown.labels, strict=False):
        if labels is not shown.labels[0]:
            draw_contours(axis, shown.labels[0], colours, dashed=True)
        draw_contours(axis, labels, colours, dashed=False)


def _draw_changes(axes: Sequence[Axes], bar: Axes, shown: _Shown, u: NDArray[np.float32]) -> None:
    # Half brightness, so that the grid is what is seen.
    draw_image(axes[0], 0.5 * shown.images[0], "")
    draw_grid(axes[0], u, shown.plane)
    fixed = shown.images[0]
    before, after = shown.errors
    draw_difference(axes[1], shown.images[1] - fixed, f"moving - fixed, mean difference {before:.3f}")
    drawn = draw_difference(axes[2], shown.images[2] - fixed, f"warped - fixed, mean difference {after:.3f}")
    colour_bar = axes[2].figure.colorbar(drawn, cax=bar, ticks=[-1, 0, 1])
    colour_bar.ax.set_yticklabels(["fixed\nbrighter", "equal", "moving\nbrighter"], fontsize=8)


def _figure(shown: _Shown, u: NDArray[np.float32], colours: Mapping[int, Any], footer: float) -> Figure:
    """Draws the six panels, with `footer` inches left free below them and `_TITLE` above."""
    panel_height = _PANEL * min(max(shown.view.height / shown.view.width * shown.aspect, 0.5), 1.5)
    height = _TITLE + 2 * (panel_height + 0.35) + footer
    figure = Figure(figsize=(3 * _PANEL + 1.2, height), facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        2,
        4,
        left=0.02,
        right=0.93,
        bottom=footer / height,
        top=1 - (_TITLE + 0.3) / height,
        wspace=0.05,
        hspace=0.35 / panel_height,
        width_ratios=(1, 1, 1, 0.04),
    )
    rows = [[figure.add_subplot(grid[row, column]) for column in range(3)] for row in range(2)]
    _draw_images(rows[0], shown, colours)
    _draw_changes(rows[1], figure.add_subplot(grid[1, 3]), shown, u)
    for axis in (*rows[0], *rows[1]):
        axis.set(aspect=shown.aspect, xlim=shown.view.right, ylim=shown.view.up, xticks=[], yticks=[])
        axis.title.set_fontsize(11)
    return figure


def _chosen_pair(task: Task, pair_number: int) -> Pair:
    if not 1 <= pair_number <= len(task.pairs):
        raise UsageError("no such pair", where=task.name, expected=f"1 to {len(task.pairs)}", got=pair_number)
    return task.pairs[pair_number - 1]


def draw_pair(task: Task, fields: Path, out: Path, *, pair_number: int = 1) -> None:
    """Draws one pair of a task before and after registration, in the format that the file name says.

    Args:
        task: The task.
        fields: Folder of displacement fields.
        out: The file to write.
        pair_number: Which pair of the task, from 1.

    Raises:
        UsageError: If there is no such pair, or no such format.
        DisplacementError: If the field is missing or cannot be read.
        VolumeError: If an image or label map is missing, damaged or on another grid.
        OutputError: If the file cannot be written.
    """
    require_format(out)
    methods = [method for method in default_methods(task) if method.metric != "hd95"]
    case = load_case(_chosen_pair(task, pair_number), fields, methods)
    score = score_pair(case, methods)
    colours = structure_colours(next((method.labels for method in methods if method.labels), ()))
    entries = legend_entries(score, task.label_names, colours)
    footer = 0.3 + _LEGEND_ROW * math.ceil(len(entries) / _LEGEND_COLUMNS)
    shown = _shown(case)
    figure = _figure(shown, case.field.displacement, colours, footer)
    height = figure.get_figheight()
    title = f"{task.name}   {score.name.replace('<--', ' ← ')}"
    figure.text(0.02, 1 - 0.3 / height, title, fontsize=15, weight="bold", va="center")
    below = headline(score, case.field.displacement, shown.plane)
    figure.text(0.02, 1 - 0.6 / height, below, fontsize=11, color="#444444", va="center")
    figure.legend(
        handles=entries,
        loc="lower left",
        bbox_to_anchor=(0.01, 0.05 / height),
        ncols=_LEGEND_COLUMNS,
        frameon=False,
        fontsize=10,
    )
    write_picture(figure, out, _DOTS_PER_INCH)
