"""Pictures of results, whole or not at all."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from pairs.files.wholefile import whole_file
from studies.table import Result

__all__ = ["INK", "draw_dice", "draw_points", "draw_regions", "write_figure"]

INK, HERE, PAPER, BEFORE = "#333333", "#0072b2", "#d55e00", "#c9c9c9"
"""Told apart by brightness too, so also in print and by the colour-blind."""
_COLOURS = ("#c9c9c9", "#56b4e9", "#0072b2", "#e69f00", "#009e73", "#cc79a7")
_DOTS_PER_INCH = 120


def write_figure(path: Path, size: tuple[float, float], draw: Callable[[Axes], None]) -> None:
    """Draws into a figure of `size` inches and writes it as PNG.

    Raises:
        OutputError: The file cannot be written.
    """
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    draw(axes)
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=_DOTS_PER_INCH, facecolor="white")


def draw_dice(path: Path, title: str, results: Sequence[Result]) -> None:
    """A box of all pairs for each row, a point for each seed, and the paper's figure."""
    shown = [result for result in results if result.scores or result.row.published.dice is not None]
    scored = [result for result in results if result.scores]

    def draw(axes: Axes) -> None:
        for place, result in enumerate(shown):
            if result.scores:
                pairs = [100 * value for value in result.pairs(lambda p: p.dice).values()]
                _box(axes, pairs, float(place), HERE)
                seeds = [100 * one.dice for one in result.scores]
                axes.plot(
                    seeds,
                    [place] * len(seeds),
                    "o",
                    color="white",
                    markeredgecolor=INK,
                    markersize=5,
                    zorder=4,
                )
            elif result.row.is_initial and scored:
                before = [100 * pair.dice_before for pair in scored[0].scores[0].pairs.values()]
                _box(axes, before, float(place), BEFORE)
            if result.row.published.dice is not None:
                axes.plot(result.row.published.dice, place, "D", color=PAPER, markersize=6, zorder=5)
        axes.set_yticks(range(len(shown)), [result.row.label for result in shown])
        axes.invert_yaxis()
        axes.set_xlabel("Dice [%]")
        axes.grid(axis="x", color="#e5e5e5")
        axes.set_axisbelow(True)
        axes.plot([], [], "s", color=HERE, alpha=0.5, label="pairs here (mean over seeds)")
        axes.plot([], [], "o", color="white", markeredgecolor=INK, label="mean of a seed")
        if any(result.row.published.dice is not None for result in shown):
            axes.plot([], [], "D", color=PAPER, label="paper, on its own data")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False, fontsize=8)
        axes.figure.suptitle(title, fontsize=11)

    write_figure(path, (8.0, 1.6 + 0.36 * len(shown)), draw)


def draw_regions(
    path: Path, title: str, regions: Sequence[str], series: Mapping[str, Sequence[Sequence[float]]]
) -> None:
    """Boxes of every region, those of all methods side by side.

    Args:
        path: The picture.
        title: Above it.
        regions: Their names.
        series: By method, for each region the Dice of all pairs.
    """
    height = 0.8 / len(series)

    def draw(axes: Axes) -> None:
        for number, (method, values) in enumerate(series.items()):
            colour = _COLOURS[number % len(_COLOURS)]
            for place, pairs in enumerate(values):
                known = [100 * value for value in pairs if not np.isnan(value)]
                if known:
                    _box(axes, known, place - 0.4 + height * (number + 0.5), colour, 0.8 * height)
            axes.plot([], [], "s", color=colour, label=method)
        axes.set_yticks(range(len(regions)), list(regions))
        axes.invert_yaxis()
        axes.set_xlabel("Dice [%], all pairs")
        axes.grid(axis="x", color="#e5e5e5")
        axes.set_axisbelow(True)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False, fontsize=8)
        axes.figure.suptitle(title, fontsize=11)

    write_figure(path, (8.0, 1.5 + 0.3 * len(series) * len(regions)), draw)


def draw_points(
    path: Path,
    title: str,
    axes_labels: tuple[str, str],
    groups: Mapping[str, Sequence[tuple[float, float, str]]],
    logarithmic: tuple[bool, bool] = (False, False),
    joined: bool = True,
) -> None:
    """Points with their names, one colour a group.

    Args:
        path: The picture.
        title: Above it.
        axes_labels: Of x and y.
        groups: By name, x, y and the name of each point.
        logarithmic: Whether x and y are drawn so.
        joined: Whether a line runs through each group.
    """

    def draw(axes: Axes) -> None:
        for number, (group, points) in enumerate(groups.items()):
            colour = _COLOURS[1:][number % (len(_COLOURS) - 1)]
            axes.plot(
                [p[0] for p in points],
                [p[1] for p in points],
                "o-" if joined else "o",
                linewidth=0.8,
                color=colour,
                markeredgecolor=INK,
                label=group,
            )
            for x, y, name in points:
                axes.annotate(name, (x, y), (5, 3), textcoords="offset points", fontsize=7, color=INK)
        if logarithmic[0]:
            _logarithmic(axes.xaxis, axes.set_xscale, [x for points in groups.values() for x, _, _ in points])
        if logarithmic[1]:
            _logarithmic(axes.yaxis, axes.set_yscale, [y for points in groups.values() for _, y, _ in points])
        axes.set_xlabel(axes_labels[0])
        axes.set_ylabel(axes_labels[1])
        axes.margins(x=0.12, y=0.1)
        axes.grid(color="#e5e5e5")
        axes.set_axisbelow(True)
        axes.legend(loc="best", frameon=False, fontsize=8)
        axes.set_title(title, fontsize=11)

    write_figure(path, (7.5, 5.0), draw)


def _logarithmic(axis: Axis, set_scale: Callable[..., None], values: Sequence[float]) -> None:
    """Ticks at 1, 2 and 5 of each decade; where there are zeros, straight below the smallest other value."""
    positive = [value for value in values if value > 0]
    if len(positive) < len(values):
        set_scale("symlog", linthresh=min(positive, default=1.0))
        return
    set_scale("log")
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _box(axes: Axes, values: Sequence[float], place: float, colour: str, width: float = 0.55) -> None:
    axes.boxplot(
        [values],
        positions=[place],
        widths=width,
        orientation="horizontal",
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": colour, "alpha": 0.5, "edgecolor": INK, "linewidth": 0.7},
        medianprops={"color": INK, "linewidth": 1.4},
        whiskerprops={"color": INK, "linewidth": 0.8},
        capprops={"color": INK, "linewidth": 0.8},
        flierprops={"marker": ".", "markersize": 4, "markerfacecolor": colour, "markeredgewidth": 0.3},
    )
