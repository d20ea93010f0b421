"""Plot of the pairs' scores against the smoothness of their fields."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from evaluation.picture.paper import Paper

__all__ = ["Point", "smoothness_figure"]

# Inches.
_SIZE = (6.4, 4.2)
_NAMED = 5


@dataclass(frozen=True)
class Point:
    """One pair.

    Attributes:
        rank: Its place, 1 for the hardest.
        sdlogj: Official SDlogJ of its field.
        score: Its score; infinite or NaN is not drawn.
        is_folded: Whether its field has folds.
    """

    rank: int
    sdlogj: float
    score: float
    is_folded: bool


def smoothness_figure(points: Sequence[Point], score: str, paper: Paper) -> Figure:
    """Draws a point for each pair, with the rank beside the hardest ones; folded fields as triangles.

    Args:
        points: The pairs.
        score: Name of the score, in words for the axis.
        paper: What it is drawn on.
    """
    figure = Figure(figsize=_SIZE, facecolor=paper.background, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    drawn = [one for one in points if np.isfinite([one.sdlogj, one.score]).all()]
    for is_folded, marker, name in ((False, "o", "no folded voxels"), (True, "^", "some folded voxels")):
        chosen = [one for one in drawn if one.is_folded == is_folded]
        if chosen:
            axes.scatter(
                [one.sdlogj for one in chosen],
                [one.score for one in chosen],
                s=34,
                marker=marker,
                color=paper.after,
                edgecolors=paper.median,
                linewidths=0.6,
                label=name,
            )
    for one in sorted(drawn, key=lambda point: point.rank)[:_NAMED]:
        axes.annotate(
            str(one.rank),
            (one.sdlogj, one.score),
            xytext=(6, -3),
            textcoords="offset points",
            fontsize=9,
            color=paper.ink,
        )
    axes.set_xlabel("SDlogJ of the field (official), lower is smoother", color=paper.ink)
    axes.set_ylabel(score, color=paper.ink)
    axes.margins(0.08)
    axes.grid(color=paper.quiet, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=paper.ink)
    axes.patch.set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(paper.ink)
    if len({one.is_folded for one in drawn}) > 1:
        axes.legend(frameon=False, labelcolor=paper.ink, fontsize=9)
    return figure
