"""The picture of the discontinuity probe: one pair, its displacements, and the jump of all pairs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from pairs.files.wholefile import whole_file
from studies.jump import DISTANCES, Result
from studies.sliding import SlidingPair

__all__ = ["draw_jump"]

_DOTS_PER_INCH = 110
# They differ in hue, brightness and line (after Okabe and Ito), for the colour-blind and for print.
_STYLES: Mapping[str, Mapping[str, Any]] = {
    "text": {"color": "#0072b2", "linewidth": 2.2, "marker": "o", "markersize": 5},
    "plain": {"color": "#d55e00", "linewidth": 2.2, "marker": "s", "markersize": 5, "linestyle": "--"},
    "losses": {"color": "#777777", "linewidth": 1.4, "linestyle": ":"},
}
_SHOWN = ("text", "plain", "losses")


def draw_jump(
    pairs: Sequence[SlidingPair], results: Sequence[Result], titles: Mapping[str, str], out: Path
) -> None:
    """Draws the pair that slides furthest, and the mean profile of all as a PNG file.

    Args:
        pairs: the held-out pairs.
        results: of every method on every pair.
        titles: of the methods.
        out: the file to write.

    Raises:
        OutputError: the file cannot be written.
    """
    figure = Figure(figsize=(12.5, 5.4), dpi=_DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    number = max(range(len(pairs)), key=lambda index: float(pairs[index].slide.norm()))
    pair = pairs[number]
    first = {one.method: one.displacement for one in reversed(results) if one.sample == number}
    fields = {"true": pair.displacement, **{titles[m]: first[m] for m in ("text", "plain")}}
    _draw_fixed(figure.add_axes((0.045, 0.56, 0.26, 0.32)), pair)
    corners = ((0.325, 0.56), (0.045, 0.12), (0.325, 0.12))
    for (title, field), corner in zip(fields.items(), corners, strict=True):
        axes = figure.add_axes((*corner, 0.26, 0.32))
        along = float(pair.slide[1].sign()) * field[0, 1].numpy()
        drawn = _draw_field(axes, along, pair, f"displacement along the border, {title}")
        if corner[0] > corners[1][0]:
            axes.tick_params(labelleft=False)
        if corner[1] == corners[1][1]:
            axes.set_xlabel("first axis, across the border [voxels]", fontsize=9)
        if corner == corners[1]:
            axes.set_ylabel("second axis [voxels]", fontsize=9)
    bar = figure.colorbar(drawn, cax=figure.add_axes((0.595, 0.12, 0.01, 0.76)))
    bar.ax.tick_params(labelsize=8)
    bar.set_label("voxels, positive the way the right body goes", fontsize=9)
    _draw_profiles(figure.add_axes((0.70, 0.12, 0.285, 0.76)), results, titles)
    heading = "Two bodies slide along each other: does the displacement jump where they meet (dashed line)?"
    figure.text(0.045, 0.95, heading, fontsize=13, weight="bold", va="center")
    with whole_file(out) as temporary:
        figure.savefig(temporary, format="png")


def _draw_fixed(axes: Axes, pair: SlidingPair) -> None:
    _draw_slice(axes, pair.fixed.sample.image[0, 0].numpy(), pair, cmap="gray", vmin=0.0, vmax=1.0)
    axes.set_title("fixed image; arrows: the true displacement", fontsize=9.5, loc="left")
    axes.set_ylabel("second axis [voxels]", fontsize=9)
    way = float(pair.slide[1].sign())
    for place, sense in ((pair.border - 8, -way), (pair.border + 7, way)):
        tip = {"arrowstyle": "-|>", "color": "#f0e442", "linewidth": 2.2, "mutation_scale": 14}
        axes.annotate("", (place, 7.5 + 3.5 * sense), (place, 7.5 - 3.5 * sense), arrowprops=tip)


def _draw_field(axes: Axes, along: np.ndarray, pair: SlidingPair, title: str) -> AxesImage:
    limit = 1.25 * float(pair.slide.norm())
    body = pair.fixed.sample.labels[0].numpy() > 0
    axes.set_facecolor("#e4e4e4")
    drawn = _draw_slice(axes, np.where(body, along, np.nan), pair, cmap="PuOr", vmin=-limit, vmax=limit)
    axes.set_title(title, fontsize=9.5, loc="left")
    return drawn


def _draw_slice(
    axes: Axes, volume: np.ndarray, pair: SlidingPair, cmap: str, vmin: float, vmax: float
) -> AxesImage:
    """The middle slice across the third axis, the first to the right and the second up."""
    drawn = axes.imshow(
        volume[:, :, volume.shape[2] // 2].T,
        origin="lower",
        interpolation="nearest",
        aspect="auto",
        cmap=cmap,
        vmin=vmin,
        vmax=vmax,
    )
    colour = "#f0e442" if cmap == "gray" else "black"
    axes.axvline(pair.border - 0.5, color=colour, linewidth=1.2, linestyle="--")
    axes.tick_params(labelsize=8)
    return drawn


def _draw_profiles(axes: Axes, results: Sequence[Result], titles: Mapping[str, str]) -> None:
    """Mean over pairs and trainings, with a band of one standard deviation for the trained methods."""
    axes.plot((-6, 0, 0, 6), (-1, -1, 1, 1), color="black", linewidth=1.4, label="true")
    for method in _SHOWN:
        profiles = np.stack([one.profile for one in results if one.method == method])
        mean, spread = profiles.mean(axis=0), profiles.std(axis=0)
        axes.plot(DISTANCES, mean, label=titles[method], **_STYLES[method])
        if method != "losses":
            colour = _STYLES[method]["color"]
            axes.fill_between(DISTANCES, mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0)
    axes.set_title("across the border, mean ± sd of all pairs", fontsize=9.5, loc="left")
    axes.set_xlabel("distance from the border [voxels]", fontsize=9)
    axes.set_ylabel("displacement along the border / true one", fontsize=9)
    axes.set_xlim(-6, 6)
    axes.tick_params(labelsize=8)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_ylim(-2.2, 1.6)
    axes.legend(fontsize=9, loc="lower right", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
