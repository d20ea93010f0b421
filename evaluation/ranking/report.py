"""The ranks as a table for the terminal, as a JSON document and as a CSV file."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.ranking.rank import MetricRanks, Ranking
from evaluation.ranking.samples import RUNTIME
from evaluation.ranking.significance import P_THRESHOLD
from pairs.files.wholefile import whole_file
from pairs.process.logline import one_line

__all__ = ["as_document", "render", "write_csv"]

_TEST_NAMES = {
    "documented": "Wilcoxon signed rank test, as the challenge documents",
    "coded": "rank sum test, as the challenge's program computes",
}
_UNITS = {"HD95": " [voxels]", RUNTIME: " [s]"}
_DIGITS = {"Dice": 4, "Dice30": 4, "SDlogJ": 4, "HD95": 3, RUNTIME: 1}
_FORMULA_STARTS = ("=", "+", "-", "@")


def _beaten(metric: MetricRanks, index: int) -> list[int]:
    return [int(other) for other in np.flatnonzero(metric.better[index])]


def _columns(ranking: Ranking) -> list[list[str]]:
    """Returns the columns of the table, each with its heading."""
    order = ranking.order
    columns = [["", *(str(ranking.places[index]) for index in order)]]
    columns.append(["method", *(one_line(ranking.names[index]) for index in order)])
    columns.append(["score", *(f"{ranking.scores[index]:.4f}" for index in order)])
    if ranking.scores_with_runtime is not None:
        with_runtime = ranking.scores_with_runtime
        columns.append(["with runtime", *(f"{with_runtime[index]:.4f}" for index in order)])
    for metric in ranking.metrics:
        title = metric.samples.title
        means = metric.samples.means
        columns.append(
            [title + _UNITS.get(title, ""), *(f"{means[index]:.{_DIGITS[title]}f}" for index in order)]
        )
        columns.append(["rank", *(f"{metric.ranks[index]:.3f}" for index in order)])
    return columns


def _aligned(columns: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in columns]
    lines = []
    for row in zip(*columns, strict=True):
        cells = [
            cell.ljust(width) if column == 1 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _better_lines(ranking: Ranking) -> list[str]:
    """Returns a line for each method: the methods that it is significantly better than, by metric."""
    lines = [f"significantly better (p < {P_THRESHOLD}) than:"]
    width = max(len(one_line(name)) for name in ranking.names)
    for index in ranking.order:
        parts = []
        for metric in ranking.metrics:
            beaten = _beaten(metric, index)
            names = ", ".join(one_line(ranking.names[other]) for other in ranking.order if other in beaten)
            if len(beaten) == len(ranking.names) - 1 > 1:
                names = "all others"
            parts.append(f"{metric.samples.title}: {names or 'none'}")
        lines.append(f"  {one_line(ranking.names[index]):<{width}}  {'; '.join(parts)}")
    return lines


def _fill_in_lines(ranking: Ranking) -> list[str]:
    lines = []
    for metric in ranking.metrics:
        samples = metric.samples
        counts = samples.filled.sum(axis=1)
        if counts.any():
            counted = ", ".join(
                f"{one_line(name)} {count} of {samples.filled.shape[1]}"
                for name, count in zip(ranking.names, counts, strict=True)
                if count
            )
            lines.append(f"  {samples.title}, {samples.fill_in:g} in place of missing values: {counted}")
    return ["filled in:", *lines, ""] if lines else []


def render(rankings: Sequence[Ranking]) -> str:
    """Returns for each test the table, best task score first, and who is significantly better than whom."""
    first = rankings[0]
    entries = ", ".join(
        f"{metric.samples.title} {metric.samples.values.shape[1]}" for metric in first.metrics
    )
    lines = [f"{len(first.names)} methods; entries compared: {entries}", "", *_fill_in_lines(first)]
    for ranking in rankings:
        lines += [f"{ranking.test}: {_TEST_NAMES[ranking.test]}", *_aligned(_columns(ranking)), ""]
        lines += [*_better_lines(ranking), ""]
    return "\n".join(lines).rstrip()


def _method_entry(ranking: Ranking, index: int) -> dict[str, object]:
    with_runtime = ranking.scores_with_runtime
    return {
        "method": ranking.names[index],
        "place": ranking.places[index],
        "score": float(ranking.scores[index]),
        "score_with_runtime": None if with_runtime is None else float(with_runtime[index]),
        "metrics": {
            metric.samples.title: {
                "mean": float(metric.samples.means[index]),
                "rank": float(metric.ranks[index]),
                "entries": int(metric.samples.values.shape[1]),
                "filled": int(metric.samples.filled[index].sum()),
                "better_than": [ranking.names[other] for other in _beaten(metric, index)],
            }
            for metric in ranking.metrics
        },
    }


def as_document(rankings: Sequence[Ranking]) -> dict[str, object]:
    """Lays out the ranks for JSON: by test, the methods from best to worst; all numbers are finite."""
    return {ranking.test: [_method_entry(ranking, index) for index in ranking.order] for ranking in rankings}


def _cell(text: str) -> str:
    # A spreadsheet program takes such a cell for a formula and runs it.
    safe = one_line(text)
    return f"'{safe}" if safe.startswith(_FORMULA_STARTS) else safe


def write_csv(rankings: Sequence[Ranking], path: Path) -> None:
    """Writes one row for each test and method, from best to worst.

    Args:
        rankings: The ranks under each test.
        path: The CSV file (UTF-8); its folder must exist.

    Raises:
        OutputError: If it cannot be written.
    """
    titles = [metric.samples.title for metric in rankings[0].metrics]
    head = ["test", "place", "method", "score", "score_with_runtime"]
    head += [cell for title in titles for cell in (title, f"{title}_rank", f"{title}_better_than")]
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(head)
        for ranking in rankings:
            for index in ranking.order:
                writer.writerow(_row(ranking, index))


def _row(ranking: Ranking, index: int) -> list[str | int | float]:
    with_runtime = ranking.scores_with_runtime
    row: list[str | int | float] = [ranking.test, ranking.places[index], _cell(ranking.names[index])]
    row += [float(ranking.scores[index]), "" if with_runtime is None else float(with_runtime[index])]
    for metric in ranking.metrics:
        row += [float(metric.samples.means[index]), float(metric.ranks[index])]
        row.append(_cell("; ".join(ranking.names[other] for other in _beaten(metric, index))))
    return row
