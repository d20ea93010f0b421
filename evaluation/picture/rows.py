"""The rows of a plot over all pairs: one for each structure, and one for the values of whole pairs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.reports.aggregate import label_value
from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.score import Score
from pairs.process.logline import one_line
from pairs.tasks.evaluation_config import Method

__all__ = ["Row", "drawable", "row_names", "row_of", "shown_methods"]

_LONGEST_NAME = 34
# Stands for SDlogJ before registration, which does not exist.
_NOTHING = Score(math.nan, math.nan)


@dataclass(frozen=True)
class Row:
    """The values of all pairs before and after registration, NaN where a pair has none."""

    before: NDArray[np.float64]
    after: NDArray[np.float64]


def drawable(text: str, longest: int = _LONGEST_NAME) -> str:
    """Makes text from files fit to be drawn: one short line in which a dollar sign starts no formula."""
    line = one_line(text)
    return (line if len(line) <= longest else line[: longest - 1] + "…").replace("$", r"\$")


def row_names(evaluation: Evaluation) -> Mapping[int | None, str]:
    """Returns the rows from top to bottom: labels with their names, then None for the values of pairs."""
    names: dict[int | None, str] = {
        label: drawable(f"{label} {evaluation.label_names.get(label, '')}".rstrip())
        for method in evaluation.methods
        for label in method.labels
    }
    return {**names, None: "mean of each pair" if names else "each pair"}


def shown_methods(evaluation: Evaluation) -> list[Method]:
    """Returns the metrics of structures; where there are none those of points, else of regularity."""
    for metrics in (("dice", "hd95"), ("tre",), ("sdlogj",)):
        methods = [method for method in evaluation.methods if method.metric in metrics]
        if methods:
            return methods
    return []


def row_of(evaluation: Evaluation, method: Method, label: int | None) -> Row:
    """Returns the values of one label, or of whole pairs where `label` is None."""
    sides = []
    for cases in ([one.before for one in evaluation.scores], [one.after for one in evaluation.scores]):
        scores = [case.get(method.name, _NOTHING) for case in cases]
        values = [score.mean if label is None else label_value(score, method, label) for score in scores]
        sides.append(np.array(values, dtype=np.float64))
    return Row(*sides)
