"""The notes under the box plots: how to read them, the numbers not drawn, and what could not be drawn."""

import math
import textwrap
from collections.abc import Callable, Mapping

from evaluation.picture.rows import drawable, row_names, row_of, shown_methods
from evaluation.reports.aggregate import summarise
from evaluation.scoring.evaluate import Evaluation

__all__ = ["footnotes"]

_PAIRS_NAMED, _STRUCTURES_WITH_PAIRS = 2, 6
_KEY = (
    "Box: quartiles and median. Whiskers: last pair within 1.5 box lengths. "
    "Points: pairs beyond, or all pairs where they are few."
)


def _regularity(evaluation: Evaluation) -> str:
    numbers = [score.regularity for score in evaluation.scores]
    official = summarise(one.sdlogj for one in numbers)
    plain = summarise(one.sdlogj_plain for one in numbers)
    folds = summarise(one.fold_fraction for one in numbers)
    worst = max(one.fold_fraction for one in numbers)
    offset = evaluation.evaluator.log_offset
    return (
        f"SDlogJ {official.mean:.4f} ± {official.std:.4f} (official, log(J + {offset:g})), "
        f"{plain.mean:.4f} ± {plain.std:.4f} (log J). "
        f"Folded voxels: {100 * folds.mean:.3f} % on average, {100 * worst:.3f} % in the worst pair."
    )


def _points(evaluation: Evaluation) -> list[str]:
    """Returns the mean TRE, if structures are drawn in its place."""
    shown = shown_methods(evaluation)
    lines = []
    for method in evaluation.methods:
        if method.metric == "tre" and method not in shown:
            row = row_of(evaluation, method, None)
            change = f"{summarise(row.before).mean:.3f} → {summarise(row.after).mean:.3f} mm"
            lines.append(f"{drawable(method.name)} {change} on average.")
    return lines


def _gaps(evaluation: Evaluation, is_gap: Callable[[float], bool]) -> Mapping[int | None, list[str]]:
    """Returns, by row (a label, or None), the pairs that have a value which cannot be drawn."""
    found = {}
    for label in row_names(evaluation):
        sides = []
        for method in shown_methods(evaluation):
            row = row_of(evaluation, method, label)
            # A metric without the label has no gap there, and SDlogJ does not exist before registration.
            if label is None or label in method.labels:
                sides += [row.after] if method.metric == "sdlogj" else [row.before, row.after]
        found[label] = [
            drawable(score.name.replace("<--", "←"))
            for index, score in enumerate(evaluation.scores)
            if any(is_gap(side[index]) for side in sides)
        ]
    return {label: pairs for label, pairs in found.items() if pairs}


def _gap_note(evaluation: Evaluation, title: str, is_gap: Callable[[float], bool]) -> list[str]:
    gaps = _gaps(evaluation, is_gap)
    names = row_names(evaluation)
    parts = []
    for label, pairs in gaps.items():
        where = f"{len(pairs)} of {len(evaluation.scores)}"
        # The mean has its gaps in the pairs of its structures, which are named.
        if len(gaps) <= _STRUCTURES_WITH_PAIRS and (label is not None or len(gaps) == 1):
            where += f": {', '.join(pairs[:_PAIRS_NAMED])}{', …' if len(pairs) > _PAIRS_NAMED else ''}"
        parts.append(f"{names[label]} ({where})")
    return [f"{title}: {'; '.join(parts)}."] if parts else []


def footnotes(evaluation: Evaluation, letters: int) -> str:
    """Returns the notes, each starting on a new line.

    Args:
        evaluation: The scores of at least one pair.
        letters: How many fit on a line.
    """
    nan, infinite = "NaN", "Infinite"
    if len(row_names(evaluation)) > 1:
        nan, infinite = "Not in both images (NaN)", "Lost by the warp (HD95 infinite)"
    lines = [
        _KEY,
        _regularity(evaluation),
        *_points(evaluation),
        *_gap_note(evaluation, f"{nan}, not drawn in pairs", math.isnan),
        *_gap_note(evaluation, f"{infinite}, not drawn in pairs", math.isinf),
    ]
    return "\n".join(part for line in lines for part in textwrap.wrap(line, letters))
