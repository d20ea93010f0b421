"""One picture of one pair: what was to be registered, what came out, and how the displacement did it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from evaluation.case import Case, load_case
from evaluation.evaluate import default_methods
from evaluation.panels import draw_contours, draw_difference, draw_grid, draw_image, unit_contrast
from evaluation.regions import LabelMap
from evaluation.score import PairScore, score_pair
from evaluation.slices import Plane, best_plane
from evaluation.warp import warp_image, warp_labels
from pairs.errors import GridMismatch, UsageError
from pairs.task import Pair, Task
from pairs.volume import Volume, read_image
from pairs.wholefile import whole_file

__all__ = ["draw_pair"]

_DICE = "DSC"
_AXIS_NAMES = "xyz"
_LEGEND_COLUMNS = 3
_LEGEND_ROW_INCHES = 0.26
# Okabe and Ito's colours that are distinct on grey, also for the colour-blind; more structures take a colour map.
_COLOURS = ("#56b4e9", "#e69f00", "#00c389", "#f0e442", "#d55e00", "#cc79a7", "#4477ff")


@dataclass(frozen=True)
class _Shown:
    """What the panels show of a pair: the plane, and on it contrast-scaled images (up, right) and labels."""

    plane: Plane
    images: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
    labels: tuple[NDArray[np.integer], ...]
    errors: tuple[float, float]


def _colours(labels: Sequence[int]) -> Mapping[int, Any]:
    if len(labels) <= len(_COLOURS):
        return dict(zip(labels, _COLOURS, strict=False))
    spread = mpl.colormaps["gist_rainbow"](np.linspace(0, 1, len(labels)))
    return {label: tuple(colour) for label, colour in zip(labels, spread, strict=True)}


def _shown(case: Case, fixed: Volume, moving: Volume) -> _Shown:
    displacement = case.field.displacement
    grey_fixed, grey_moving = unit_contrast(fixed.array), unit_contrast(moving.array)
    grey_warped = warp_image(grey_moving, displacement)
    label_maps = []
    if case.fixed is not None and case.moving is not None:
        label_maps = [case.fixed.array, case.moving.array, warp_labels(case.moving.array, displacement)]
    empty = LabelMap(np.zeros(fixed.array.shape, dtype=np.uint8), {})
    plane = best_plane(case.fixed if case.fixed is not None else empty)
    return _Shown(
        plane=plane,
        images=(plane.cut(grey_fixed), plane.cut(grey_moving), plane.cut(grey_warped)),
        labels=tuple(plane.cut(label_map) for label_map in label_maps),
        errors=(
            float(np.abs(grey_moving - grey_fixed).mean()),
            float(np.abs(grey_warped - grey_fixed).mean()),
        ),
    )


def _draw_panels(
    figure: Figure, shown: _Shown, case: Case, colours: Mapping[int, Any], aspect: float
) -> None:
    axes = figure.subplots(2, 3)
    for axis, image, title in zip(axes[0], shown.images, ("fixed", "moving", "warped moving"), strict=True):
        draw_image(axis, image, title)
    for number, labels in enumerate(shown.labels):
        draw_contours(axes[0][number], labels, colours, dashed=False)
        if number > 0:
            draw_contours(axes[0][number], shown.labels[0], colours, dashed=True)
    draw_image(axes[1][0], 0.55 * shown.images[0], "")
    step = draw_grid(axes[1][0], case.field.displacement, shown.plane)
    axes[1][0].set_title(f"deformation on fixed, a line every {step} voxels", fontsize=11, pad=6)
    fixed_image = shown.images[0]
    for axis, image, word, error in zip(
        axes[1][1:], shown.images[1:], ("before", "after"), shown.errors, strict=True
    ):
        drawn = draw_difference(axis, image - fixed_image, f"difference {word}, mean |d| {error:.3f}")
    bar = figure.colorbar(drawn, ax=axes[1][2], fraction=0.046, pad=0.03, ticks=[-1, 0, 1])
    bar.ax.set_yticklabels(["fixed\nbrighter", "equal", "moving\nbrighter"], fontsize=8)
    for axis in axes.flat:
        axis.set_aspect(aspect)
        axis.set_xticks([])
        axis.set_yticks([])


def _legend_entries(
    case: Case, score: PairScore, names: Mapping[int, str], colours: Mapping[int, Any]
) -> list[Line2D]:
    """One coloured line for each structure of the pair, labelled with its name and its Dice before and after."""
    entries = []
    for label, before, after in zip(colours, *_dice_values(score), strict=True):
        name = names.get(label, f"label {label}")
        dice = "not in both images" if math.isnan(after) else f"Dice {before:.3f} → {after:.3f}"
        entries.append(Line2D([], [], color=colours[label], linewidth=3, label=f"{name}   {dice}"))
    if entries:
        entries.append(
            Line2D([], [], color="#444444", linewidth=1.8, label="solid: labels of the image shown")
        )
        entries.append(
            Line2D(
                [],
                [],
                color="#444444",
                linewidth=1.0,
                linestyle="dashed",
                label="dashed: labels of the fixed image",
            )
        )
    return entries


def _dice_values(score: PairScore) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if _DICE not in score.after:
        return (), ()
    before, after = score.before[_DICE].detailed, score.after[_DICE].detailed
    return (before, after) if isinstance(before, tuple) and isinstance(after, tuple) else ((), ())


def _headline(case: Case, score: PairScore, plane: Plane) -> str:
    sides = case.field.displacement.shape
    parts = [f"slice {_AXIS_NAMES[plane.axis]} = {plane.index} of {sides[plane.axis]}"]
    if _DICE in score.after:
        parts.insert(0, f"mean Dice {score.before[_DICE].mean:.3f} → {score.after[_DICE].mean:.3f}")
    longest = float(np.linalg.norm(case.field.displacement, axis=-1).max())
    parts.append(f"largest displacement {longest:.1f} voxels")
    parts.append(f"folded {100 * score.regularity.fold_fraction:.3f} %")
    return "     ".join(parts)


def _chosen_pair(task: Task, pair_number: int) -> Pair:
    if not 1 <= pair_number <= len(task.pairs):
        raise UsageError("no such pair", where=task.name, expected=f"1 to {len(task.pairs)}", got=pair_number)
    return task.pairs[pair_number - 1]


def draw_pair(task: Task, fields: Path, out: Path, *, pair_number: int = 1) -> None:
    """Draws one pair of a task before and after registration as a PNG file.

    Args:
        task: The task.
        fields: Folder of displacement fields.
        out: The file to write.
        pair_number: Which pair of the task, from 1.

    Raises:
        UsageError: If there is no such pair.
        DisplacementError: If the field is missing or cannot be read.
        VolumeError: If an image or label map is missing, damaged or on another grid.
        OutputError: If the file cannot be written.
    """
    pair = _chosen_pair(task, pair_number)
    methods = [method for method in default_methods(task) if method.metric != "hd95"]
    case = load_case(pair, fields, methods)
    fixed, moving = read_image(pair.fixed), read_image(pair.moving)
    if moving.array.shape != fixed.array.shape:
        raise GridMismatch(
            "shape differs from the fixed image",
            where=pair.moving,
            expected=fixed.array.shape,
            got=moving.array.shape,
        )
    score = score_pair(case, methods)
    shown = _shown(case, fixed, moving)
    labels = next((method.labels for method in methods if method.labels), ())
    figure = _figure(task, case, score, shown, _colours(labels), fixed.header.spacing_mm)
    with whole_file(out) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _figure(
    task: Task,
    case: Case,
    score: PairScore,
    shown: _Shown,
    colours: Mapping[int, Any],
    spacing_mm: tuple[float, float, float],
) -> Figure:
    entries = _legend_entries(case, score, task.label_names, colours)
    right, up = shown.plane.in_plane_axes
    rows, columns = shown.images[0].shape
    panel_inches = 3.7
    panel_height = panel_inches * min(max(rows * spacing_mm[up] / (columns * spacing_mm[right]), 0.6), 1.4)
    footer = 0.35 + _LEGEND_ROW_INCHES * math.ceil(len(entries) / _LEGEND_COLUMNS)
    height = 2 * panel_height + 1.5 + footer
    figure = Figure(figsize=(3 * panel_inches + 0.6, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(rect=(0.01, footer / height, 0.98, 1 - (footer + 0.75) / height))  # type: ignore[union-attr]
    _draw_panels(figure, shown, case, colours, spacing_mm[up] / spacing_mm[right])
    figure.text(
        0.02,
        1 - 0.3 / height,
        f"{task.name}   {case.pair.name.replace('<--', ' ← ')}",
        fontsize=15,
        weight="bold",
        va="center",
    )
    figure.text(
        0.02, 1 - 0.6 / height, _headline(case, score, shown.plane), fontsize=11, color="#444444", va="center"
    )
    if entries:
        figure.legend(
            handles=entries,
            loc="lower left",
            bbox_to_anchor=(0.01, 0.1 / height),
            ncols=_LEGEND_COLUMNS,
            frameon=False,
            fontsize=10,
        )
    return figure
