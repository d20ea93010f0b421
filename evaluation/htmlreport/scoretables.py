"""The scores of a task as tables: each structure before and after, and what is told of the whole."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evaluation.htmlreport.pairtable import PairNumbers
from evaluation.reports.aggregate import structure_rows, summarise, summarise_cases, summarise_method
from evaluation.reports.truth import dice30, truths
from evaluation.scoring.evaluate import Evaluation
from pairs.tasks.evaluation_config import Method

__all__ = ["ScoreRow", "ScoreTable", "score_tables", "whole_rows"]

_UNITS = {"hd95": "voxels", "tre": "mm"}
_DIGITS = {"dice": 3, "hd95": 2, "tre": 2}


@dataclass(frozen=True)
class ScoreRow:
    """One line: means over pairs, NaN where there is none.

    Attributes:
        name: What it is of.
        before: Before registration.
        after: After it.
        std: Standard deviation after registration.
        pairs: How many pairs it is of.
        digits: After the point.
        is_whole: Whether it is of all structures together.
    """

    name: str
    before: float
    after: float
    std: float
    pairs: int
    digits: int
    is_whole: bool = False


@dataclass(frozen=True)
class ScoreTable:
    """One metric: its structures, then their mean."""

    title: str
    rows: tuple[ScoreRow, ...]


def score_tables(evaluation: Evaluation) -> list[ScoreTable]:
    """Returns a table for each metric of structures or points."""
    return [
        _table(evaluation, method)
        for method in evaluation.methods
        if method.metric in ("dice", "hd95", "tre")
    ]


def _table(evaluation: Evaluation, method: Method) -> ScoreTable:
    digits = _DIGITS[method.metric]
    rows = [
        ScoreRow(
            evaluation.label_names.get(row.label) or f"label {row.label}",
            row.before,
            row.after,
            row.std,
            row.pairs,
            digits,
        )
        for row in (structure_rows(evaluation, method.name) if method.labels else ())
    ]
    before = summarise_method(evaluation, method, before=True)
    after = summarise_method(evaluation, method)
    nothing = math.nan
    rows.append(
        ScoreRow(
            "mean over pairs",
            nothing if before is None else before.mean,
            nothing if after is None else after.mean,
            nothing if after is None else after.std,
            len(evaluation.scores),
            digits,
            is_whole=True,
        )
    )
    unit = _UNITS.get(method.metric)
    return ScoreTable(f"{method.name}, {unit}" if unit else method.name, tuple(rows))


def whole_rows(evaluation: Evaluation, pairs: Sequence[PairNumbers]) -> list[ScoreRow]:
    """Returns what is told of fields and images, and the true distances; only of what there is."""
    rows = [*_field_rows(evaluation), *_image_rows(pairs)]
    return [row for row in rows if not math.isnan(row.after)]


def _field_rows(evaluation: Evaluation) -> Iterator[ScoreRow]:
    scores, count = evaluation.scores, len(evaluation.scores)
    official = summarise_cases(evaluation.evaluator, "sdlogj", (one.regularity.sdlogj for one in scores))
    name = f"SDlogJ, official, log(J + {evaluation.evaluator.log_offset:g})"
    yield ScoreRow(name, math.nan, official.mean, official.std, count, 4)
    true = truths(scores)
    for key, name, factor, digits in (
        ("sdlogj_plain", "SDlogJ of log J", 1, 4),
        ("fold_fraction", "folded voxels, %", 100, 4),
        ("ndv_fraction", "non-diffeomorphic volume, %", 100, 4),
        ("hd95_mm", "HD95, mm", 1, 2),
        ("assd_mm", "mean surface distance (ASSD), mm", 1, 2),
    ):
        yield ScoreRow(name, math.nan, factor * true[key].mean, factor * true[key].std, count, digits)
    yield ScoreRow("Dice30, of the hardest 30 %", math.nan, dice30(scores), math.nan, count, 3)


def _image_rows(pairs: Sequence[PairNumbers]) -> Iterator[ScoreRow]:
    likenesses = [pair.similarity for pair in pairs]
    correlation = [tuple(one.correlation for one in both) for both in likenesses]
    information = [tuple(one.mutual_information for one in both) for both in likenesses]
    regions = [pair.region_dice for pair in pairs if pair.region_dice is not None]
    lengths = [(math.nan, pair.longest_mm) for pair in pairs]
    for name, sides, digits in (
        ("correlation of the images", correlation, 3),
        ("mutual information of the images, nats", information, 3),
        ("Dice of regions, no ground truth", regions, 3),
        ("largest displacement, mm", lengths, 1),
    ):
        before, after = (summarise((one[side] for one in sides), skip_nan=True) for side in (0, 1))
        yield ScoreRow(name, before.mean, after.mean, after.std, len(sides), digits)
