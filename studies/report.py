"""The results of a table as Markdown and as CSV."""

import csv
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

from pairs.files.wholefile import whole_file
from studies.markdown import markdown_table
from studies.paired import bootstrap_interval, paired_differences, paired_p_value
from studies.table import Result

__all__ = ["markdown_of", "write_csv", "write_pairs_csv"]

_MEASURED = (
    "seeds",
    "Dice [%]",
    "± pairs",
    "± seeds",
    "HD95 [voxels]",
    "SDlogJ",
    "folds [%]",
    "against",
    "Dice difference [95 % interval]",
    "p",
)
_PAPER = ("paper: Dice [%]", "paper: HD95", "paper: SDlogJ")
LEGEND = """\
± pairs: standard deviation over pairs of the mean over seeds; ± seeds: standard deviation over seeds of the
mean over pairs. Differences are those of the same pairs, averaged over seeds: in points of percent, with the
bootstrap interval over pairs and the p of the paired t-test. HD95 and SDlogJ are those of the official
evaluator 2.0."""


def markdown_of(results: Sequence[Result]) -> str:
    """The table in Markdown, and what its columns mean."""
    return f"{markdown_table(*_table(results))}\n\n{LEGEND}"


def write_csv(path: Path, results: Sequence[Result]) -> None:
    """The same table, whole or not at all."""
    header, rows = _table(results)
    _write(path, header, rows)


def write_pairs_csv(path: Path, results: Sequence[Result]) -> None:
    """Every pair of every training: what all the figures are made of."""
    header = ("row", "seed", "pair", "Dice", "Dice before", "HD95 [voxels]", "SDlogJ", "fold fraction")
    rows = [
        [result.row.label, str(seed), name]
        + [f"{value:.6g}" for value in (p.dice, p.dice_before, p.hd95_vox, p.sdlogj, p.fold_fraction)]
        for result in results
        for seed, scores in enumerate(result.scores)
        for name, p in scores.pairs.items()
    ]
    _write(path, header, rows)


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _table(results: Sequence[Result]) -> tuple[list[str], list[list[str]]]:
    titles = list(dict.fromkeys(title for result in results for title in result.row.columns))
    by_label = {result.row.label: result for result in results}
    rows = [
        [
            result.row.label,
            *(result.row.columns.get(title, "") for title in titles),
            *_measured(result, by_label),
            *_published(result),
        ]
        for result in results
    ]
    return ["", *titles, *_MEASURED, *_PAPER], rows


def _measured(result: Result, by_label: dict[str, Result]) -> list[str]:
    row = result.row
    if row.variant is None:
        return _untrained(row.missing, list(by_label.values()))
    if not result.scores:
        return ["0", *[""] * (len(_MEASURED) - 1)]
    spread = result.seed_spread
    return [
        str(len(result.scores)),
        f"{100 * result.mean(lambda s: s.dice):.2f}",
        _deviation(list(result.pairs(lambda p: p.dice).values())),
        "" if spread is None else f"{100 * spread:.2f}",
        f"{result.mean(lambda s: s.hd95_vox):.2f}",
        f"{result.mean(lambda s: s.sdlogj):.4f}",
        f"{100 * result.mean(lambda s: s.fold_fraction):.4f}",
        *_compared(result, by_label.get(row.against or "")),
    ]


def _untrained(missing: str | None, results: Sequence[Result]) -> list[str]:
    """A row that cannot be run, or the images as they are, which every training was scored beside."""
    known = [result for result in results if result.scores]
    if missing is not None or not known:
        return ["not run", *[""] * (len(_MEASURED) - 1)]
    pairs = known[0].scores[0].pairs.values()
    before, hd95_vox = [pair.dice_before for pair in pairs], fmean(pair.hd95_before_vox for pair in pairs)
    cells = ["", f"{100 * fmean(before):.2f}", _deviation(before), "", f"{hd95_vox:.2f}"]
    return [*cells, *[""] * (len(_MEASURED) - len(cells))]


def _compared(result: Result, other: Result | None) -> list[str]:
    if other is None or not other.scores:
        return ["", "", ""]
    differences = paired_differences(result.pairs(lambda p: p.dice), other.pairs(lambda p: p.dice))
    interval = bootstrap_interval(100 * differences)
    cell = f"{interval.mean:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"
    return [other.row.label, cell, f"{paired_p_value(differences):.2g}"]


def _deviation(values: Sequence[float]) -> str:
    return f"{100 * stdev(values):.2f}" if len(values) > 1 else ""


def _published(result: Result) -> list[str]:
    paper = result.row.published
    cells = ((paper.dice, 2), (paper.hd95, 2), (paper.sdlogj, 2))
    return ["" if value is None else f"{value:.{digits}f}" for value, digits in cells]
