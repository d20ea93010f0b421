"""The evaluation as a table for the terminal."""

import math
from collections.abc import Sequence

from evaluation.reports.aggregate import structure_rows, summarise
from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.score import PairScore
from pairs.evaluation_config import Method

__all__ = ["render"]

_WORST_PAIRS = 3
_OVERALL = "mean over pairs"
_UNITS = {"hd95": " [voxels]", "tre": " [mm]"}
_DIGITS = {"dice": 4, "hd95": 3, "tre": 3}


def _printable(text: str) -> str:
    # Names come from files; an escape sequence in one must not reach the terminal.
    return "".join(c if c.isprintable() else "?" for c in text)


def _structure_name(evaluation: Evaluation, label: int) -> str:
    name = _printable(evaluation.label_names.get(label, ""))
    return f"{label} {name}".rstrip()


def _structure_table(evaluation: Evaluation, method: Method) -> list[str]:
    digits = _DIGITS[method.metric]
    rows = structure_rows(evaluation, method.name)
    names = [_structure_name(evaluation, row.label) for row in rows]
    title = method.name + _UNITS.get(method.metric, "")
    width = max(len(text) for text in [*names, title, _OVERALL])
    lines = [f"{title:<{width}}  {'before':>8}    {'after':>8}  {'sd':>8}  pairs"]
    for name, row in zip(names, rows, strict=True):
        lines.append(f"{name:<{width}}{_change(row.before, row.after, row.std, row.pairs, digits)}")
    before = summarise(score.before[method.name].mean for score in evaluation.scores)
    after = summarise(score.after[method.name].mean for score in evaluation.scores)
    overall = _change(before.mean, after.mean, after.std, len(evaluation.scores), digits)
    return [*lines, f"{_OVERALL:<{width}}{overall}", ""]


def _change(before: float, after: float, std: float, pairs: int, digits: int) -> str:
    if pairs == 0:
        return f"  {'-':>8}    {'-':>8}  {'-':>8}  {0:>5}"
    return f"  {before:>8.{digits}f} -> {after:>8.{digits}f}  {std:>8.{digits}f}  {pairs:>5}"


def _point_line(evaluation: Evaluation, method: Method) -> str:
    before = summarise(score.before[method.name].mean for score in evaluation.scores)
    after = summarise(score.after[method.name].mean for score in evaluation.scores)
    return f"{method.name} [mm]: {before.mean:.3f} -> {after.mean:.3f}, sd {after.std:.3f}"


def _regularity_lines(evaluation: Evaluation) -> list[str]:
    official = summarise(score.regularity.sdlogj for score in evaluation.scores)
    plain = summarise(score.regularity.sdlogj_plain for score in evaluation.scores)
    folds = summarise(score.regularity.fold_fraction for score in evaluation.scores)
    worst = max(evaluation.scores, key=lambda score: score.regularity.fold_fraction)
    worst_percent = 100 * worst.regularity.fold_fraction
    mean_percent = 100 * folds.mean
    return [
        f"SDlogJ, official log(J + 3): {official.mean:.4f}, sd {official.std:.4f}",
        f"SDlogJ, plain log J:         {plain.mean:.4f}, sd {plain.std:.4f}",
        f"folded voxels (det <= 0):    {mean_percent:.4f} %, worst pair {worst_percent:.4f} % ({worst.name})",
    ]


def _lost_lines(evaluation: Evaluation, methods: Sequence[Method]) -> list[str]:
    """Names the structures that were pushed out, because each turns a mean HD95 into infinity."""
    lost = [
        f"  {score.name}: {_structure_name(evaluation, label)}"
        for method in methods
        if method.metric == "hd95"
        for score in evaluation.scores
        for label, value in zip(method.labels, _values(score, method.name), strict=True)
        if math.isinf(value)
    ]
    return ["", "structures lost by the warp (HD95 infinite):", *lost] if lost else []


def _values(score: PairScore, name: str) -> tuple[float, ...]:
    detailed = score.after[name].detailed
    return detailed if isinstance(detailed, tuple) else (detailed,)


def _worst_lines(evaluation: Evaluation) -> list[str]:
    """The pairs with the lowest Dice; nothing where Dice is not scored or all pairs would be listed."""
    name = next((method.name for method in evaluation.methods if method.metric == "dice"), None)
    if name is None or len(evaluation.scores) <= _WORST_PAIRS:
        return []
    ranked = sorted(
        (score for score in evaluation.scores if not math.isnan(score.after[name].mean)),
        key=lambda score: score.after[name].mean,
    )
    return [
        "",
        f"worst pairs by {name}:",
        *(
            f"  {score.name}  {score.before[name].mean:.4f} -> {score.after[name].mean:.4f}, "
            f"folded {100 * score.regularity.fold_fraction:.4f} %"
            for score in ranked[:_WORST_PAIRS]
        ),
    ]


def render(evaluation: Evaluation) -> str:
    """Returns the table: each structure before and after registration, regularity, and the worst pairs."""
    noun = "pair" if len(evaluation.scores) == 1 else "pairs"
    profiles = ", ".join(sorted({score.profile for score in evaluation.scores}))
    lines = [
        f"{_printable(evaluation.name)}: {len(evaluation.scores)} {noun}, fields in profile {profiles}",
        "",
    ]
    structural = [method for method in evaluation.methods if method.metric in ("dice", "hd95")]
    for method in structural:
        lines += _structure_table(evaluation, method)
    lines += [_point_line(evaluation, method) for method in evaluation.methods if method.metric == "tre"]
    lines += _regularity_lines(evaluation)
    lines += _lost_lines(evaluation, structural)
    lines += _worst_lines(evaluation)
    return "\n".join(lines)
