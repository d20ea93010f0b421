"""The evaluation as a table for the terminal."""

import math

from evaluation.reports.aggregate import Summary, structure_rows, summarise_cases, summarise_method
from evaluation.reports.truth import dice30, truths
from evaluation.scoring.evaluate import Evaluation
from pairs.process.counting import counted
from pairs.process.logline import one_line
from pairs.tasks.evaluation_config import Method

__all__ = ["render", "unread_note"]

_WORST_PAIRS = 3
_OVERALL = "mean over pairs"
_UNITS = {"hd95": " [voxels]", "tre": " [mm]"}
_DIGITS = {"dice": 4, "hd95": 3, "tre": 3}


def _structure_name(evaluation: Evaluation, label: int) -> str:
    name = one_line(evaluation.label_names.get(label, ""))
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
    before, after = _before_and_after(evaluation, method)
    overall = _change(before.mean, after.mean, after.std, len(evaluation.scores), digits)
    return [*lines, f"{_OVERALL:<{width}}{overall}", ""]


def _before_and_after(evaluation: Evaluation, method: Method) -> tuple[Summary, Summary]:
    nothing = Summary(math.nan, math.nan, math.nan)
    before = summarise_method(evaluation, method, before=True)
    return before or nothing, summarise_method(evaluation, method) or nothing


def _change(before: float, after: float, std: float, pairs: int, digits: int) -> str:
    if pairs == 0:
        return f"  {'-':>8}    {'-':>8}  {'-':>8}  {0:>5}"
    return f"  {before:>8.{digits}f} -> {after:>8.{digits}f}  {std:>8.{digits}f}  {pairs:>5}"


def _point_line(evaluation: Evaluation, method: Method) -> str:
    before, after = _before_and_after(evaluation, method)
    return f"{method.name} [mm]: {before.mean:.3f} -> {after.mean:.3f}, sd {after.std:.3f}"


def _regularity_lines(evaluation: Evaluation) -> list[str]:
    evaluator, scores = evaluation.evaluator, evaluation.scores
    official = summarise_cases(evaluator, "sdlogj", (score.regularity.sdlogj for score in scores))
    true = truths(scores)
    plain, folds, ndv = (true[name] for name in ("sdlogj_plain", "fold_fraction", "ndv_fraction"))
    worst = max(scores, key=lambda score: score.regularity.fold_fraction)
    worst_fold = f"worst pair {100 * worst.regularity.fold_fraction:.4f} % ({worst.name})"
    head = f"SDlogJ, official log(J + {evaluator.log_offset:g}):"
    return [
        f"{head:<28} {official.mean:.4f}, sd {official.std:.4f}",
        f"SDlogJ, plain log J:         {plain.mean:.4f}, sd {plain.std:.4f}",
        f"folded voxels (det <= 0):    {100 * folds.mean:.4f} %, {worst_fold}",
        f"non-diffeomorphic volume:    {100 * ndv.mean:.4f} %",
    ]


def _label_lines(evaluation: Evaluation) -> list[str]:
    """Returns the true numbers of the structures, and the names of those that the warp lost.

    Each lost structure makes a mean distance infinite.
    """
    entries = [(score, one) for score in evaluation.scores for one in score.structures]
    if not entries:
        return []
    true = truths(evaluation.scores)
    absent = sum(one.presence.startswith("absent") for _, one in entries)
    lost = [
        f"  {score.name}: {_structure_name(evaluation, one.label)}"
        for score, one in entries
        if one.presence == "lost"
    ]
    return [
        f"Dice30, the hardest 30 %:    {dice30(evaluation.scores):.4f}",
        f"HD95 [mm]:                   {true['hd95_mm'].mean:.3f}, sd {true['hd95_mm'].std:.3f}",
        f"ASSD [mm]:                   {true['assd_mm'].mean:.3f}, sd {true['assd_mm'].std:.3f}",
        f"labels absent from an image: {absent} of {len(entries)}, lost by the warp: {len(lost)}",
        *(["", "structures lost by the warp (HD95 infinite):", *lost] if lost else []),
    ]


def _worst_lines(evaluation: Evaluation) -> list[str]:
    """Returns the pairs with the lowest Dice; nothing without Dice, or if all pairs would be listed."""
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


def unread_note(evaluation: Evaluation) -> str:
    """Returns the note that the official evaluator refuses fields that were scored here."""
    evaluator = evaluation.evaluator
    return (
        f"evaluator {evaluator.name} does not read fields in profile {', '.join(evaluation.unread)}, "
        f"only in {' and '.join(evaluator.profiles)}: a host that uses it refuses these files"
    )


def _left_out(evaluation: Evaluation) -> list[str]:
    """Returns the note that some pairs could not be scored."""
    failed = len(evaluation.failures)
    if not failed:
        return []
    return [
        f"not scored, and not in the means: {failed} of {counted(failed + len(evaluation.scores), 'pair')}"
    ]


def render(evaluation: Evaluation) -> str:
    """Returns the table: each structure before and after registration, regularity, and the worst pairs."""
    pairs = counted(len(evaluation.scores), "pair")
    profiles = ", ".join(sorted({score.profile for score in evaluation.scores}))
    lines = [
        f"{one_line(evaluation.name)}: {pairs}, fields in profile {profiles}, "
        f"evaluator {evaluation.evaluator.name}",
        *_left_out(evaluation),
        "",
    ]
    structural = [method for method in evaluation.methods if method.metric in ("dice", "hd95")]
    for method in structural:
        lines += _structure_table(evaluation, method)
    lines += [_point_line(evaluation, method) for method in evaluation.methods if method.metric == "tre"]
    lines += _regularity_lines(evaluation)
    lines += _label_lines(evaluation)
    lines += _worst_lines(evaluation)
    if evaluation.unread:
        lines += ["", f"note: {unread_note(evaluation)}"]
    return "\n".join(lines)
