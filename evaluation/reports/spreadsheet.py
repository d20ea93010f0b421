"""The evaluation as a CSV file: one row for each structure of each pair."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from evaluation.reports.aggregate import label_value
from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.score import PairScore, Score, StructureScore
from pairs.files.wholefile import whole_file
from pairs.process.logline import one_line
from pairs.tasks.evaluation_config import Method

__all__ = ["COLUMNS", "write_spreadsheet"]

_STRUCTURE_COLUMNS = (
    "label",
    "structure",
    "presence",
    "dice_before",
    "dice",
    "hd95_before_vox",
    "hd95_vox",
    "hd95_mm",
    "assd_mm",
)
_PAIR_COLUMNS = ("sdlogj", "sdlogj_plain", "fold_fraction", "ndv_fraction")
# The columns of every file; two more follow for each metric of points.
COLUMNS = ("pair", "field", "profile", "evaluator", *_STRUCTURE_COLUMNS, *_PAIR_COLUMNS)
# A spreadsheet program takes a cell that begins so for a formula and runs it.
_FORMULA_STARTS = ("=", "+", "-", "@")


def write_spreadsheet(evaluation: Evaluation, path: Path) -> None:
    """Writes one row for each pair and structure, or one for a pair without structures.

    Numbers of a pair (regularity, TRE in mm) are repeated in each of its rows. HD95 is official in voxels
    (`_vox`) and true in mm (`_mm`). NaN is an empty cell, infinity is `inf`. Text that a spreadsheet
    program would run as a formula gets an apostrophe in front.

    Args:
        evaluation: The evaluation.
        path: The CSV file (UTF-8); its folder must exist.

    Raises:
        OutputError: If it cannot be written.
    """
    points = [method for method in evaluation.methods if method.metric == "tre"]
    extra = [cell for method in points for cell in (f"{method.name}_before_mm", f"{method.name}_mm")]
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*COLUMNS, *(_cell(name) for name in extra)])
        for score in evaluation.scores:
            for row in _rows(evaluation, score, points):
                writer.writerow([_cell(value) for value in row])


def _rows(
    evaluation: Evaluation, score: PairScore, points: Sequence[Method]
) -> Iterator[list[str | int | float]]:
    head = [score.name, score.field.name, score.profile, evaluation.evaluator.name]
    numbers = score.regularity
    tail = [numbers.sdlogj, numbers.sdlogj_plain, numbers.fold_fraction, numbers.ndv_fraction]
    for method in points:
        tail += [score.before[method.name].mean, score.after[method.name].mean]
    for structure in score.structures:
        yield [*head, *_structure_cells(evaluation, score, structure), *tail]
    if not score.structures:
        yield [*head, *[""] * len(_STRUCTURE_COLUMNS), *tail]


def _structure_cells(
    evaluation: Evaluation, score: PairScore, structure: StructureScore
) -> list[str | int | float]:
    before, after = (
        _voxel_distance(evaluation.methods, case, structure.label) for case in (score.before, score.after)
    )
    return [
        structure.label,
        evaluation.label_names.get(structure.label, ""),
        structure.presence,
        structure.dice_before,
        structure.dice,
        before,
        after,
        structure.hd95_mm,
        structure.assd_mm,
    ]


def _voxel_distance(methods: Sequence[Method], case: Mapping[str, Score], label: int) -> float:
    """Returns the official HD95 of a label, by the first method that scores it; NaN where none does."""
    for method in methods:
        if method.metric == "hd95" and label in method.labels:
            return label_value(case[method.name], method, label)
    return math.nan


def _cell(value: str | float) -> str | float:
    if isinstance(value, str):
        text = one_line(value)
        return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
    return "" if math.isnan(value) else value
