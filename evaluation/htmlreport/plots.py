"""The plots of the page, each for a light and for a dark one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.htmlreport.pairtable import PairNumbers, Ranking
from evaluation.htmlreport.shown import number
from evaluation.picture.boxplots import boxplot_figure
from evaluation.picture.fileformat import pictures_in_page
from evaluation.picture.smoothness import Point, smoothness_figure
from evaluation.reports.aggregate import summarise_method
from evaluation.scoring.evaluate import Evaluation

__all__ = ["Plot", "plots_of"]


@dataclass(frozen=True)
class Plot:
    """One plot.

    Attributes:
        kind: "boxes" or "smoothness".
        light: For a light page, as a data URI.
        dark: For a dark one.
        text: What it shows, in words and numbers.
        caption: The line under it.
    """

    kind: str
    light: str
    dark: str
    text: str
    caption: str


def plots_of(evaluation: Evaluation, ordered: Sequence[PairNumbers], ranking: Ranking) -> list[Plot]:
    """Returns box plots of the structures, and the scores against the smoothness of the fields.

    Args:
        evaluation: The scores.
        ordered: The pairs from the hardest on.
        ranking: By what they are ordered.
    """
    points = [
        Point(rank, pair.score.regularity.sdlogj, ranking.after(pair), pair.is_folded)
        for rank, pair in enumerate(ordered, start=1)
    ]
    return [
        Plot(
            "boxes",
            *pictures_in_page(lambda paper: boxplot_figure(evaluation, paper)),
            _boxes_text(evaluation),
            "All pairs, before and after registration where a number exists before.",
        ),
        Plot(
            "smoothness",
            *pictures_in_page(lambda paper: smoothness_figure(points, ranking.name, paper)),
            _smoothness_text(points, ranking),
            "Scores against smoothness, a point for each pair; numbers are those of the hardest pairs below.",
        ),
    ]


def _boxes_text(evaluation: Evaluation) -> str:
    told = []
    for method in evaluation.methods:
        before = summarise_method(evaluation, method, before=True)
        after = summarise_method(evaluation, method)
        if before is not None and after is not None:
            told.append(
                f"{method.name} {number(before.mean, 3)} before and {number(after.mean, 3)} after on average"
            )
    return f"Box plots of {len(evaluation.scores)} pairs: {'; '.join(told) or 'SDlogJ of the fields'}."


def _smoothness_text(points: Sequence[Point], ranking: Ranking) -> str:
    values = np.array([(one.sdlogj, one.score) for one in points])
    values = values[np.isfinite(values).all(axis=1)]
    if not len(values):
        return "No pair has both a score and a smoothness."
    (low, low_score), (high, high_score) = values.min(axis=0), values.max(axis=0)
    of_pairs = f"{ranking.name.capitalize()} of {len(values)} pairs"
    return (
        f"{of_pairs}: {number(low_score, 3)} to {number(high_score, 3)} "
        f"against their SDlogJ, {number(low, 3)} to {number(high, 3)}."
    )
