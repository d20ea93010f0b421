"""The scores of one pair: the official numbers, and the true ones."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.metrics.jacobian import Regularity, regularity
from evaluation.metrics.regions import box_labels
from evaluation.metrics.spread import Spread, in_turn
from evaluation.scoring.case import Case
from evaluation.scoring.evaluator import EVALUATORS, Evaluator
from evaluation.scoring.landmarks import initial_errors, target_errors
from evaluation.scoring.structures import Measures, Presence, Structures, measure_structures
from evaluation.scoring.warp import warp_labels
from pairs.errors import UsageError
from pairs.tasks.evaluation_config import Method

__all__ = ["PairScore", "Presence", "Score", "StructureScore", "score_pair"]


@dataclass(frozen=True)
class Score:
    """The value of one metric for one pair.

    Attributes:
        mean: The value of the pair.
        detailed: The values it is made of, one for each label or point; the value itself for SDlogJ.
    """

    mean: float
    detailed: float | tuple[float, ...]


@dataclass(frozen=True)
class StructureScore:
    """The true numbers of one structure; NaN where a number is undefined.

    Attributes:
        label: Its label.
        presence: In which images it is; "lost" where the warp pushed it out of the volume.
        dice_before: Dice before registration.
        dice: Dice after registration.
        hd95_mm: HD95 after registration in mm of the fixed image; infinite where the structure was lost.
        assd_mm: Average symmetric surface distance, likewise.
    """

    label: int
    presence: Presence
    dice_before: float
    dice: float
    hd95_mm: float
    assd_mm: float


@dataclass(frozen=True)
class PairScore:
    """All scores of one pair.

    Attributes:
        name: Name of the pair, "0211_0000<--0250_0000".
        field: The file that was scored.
        profile: Name of the output profile it is in.
        after: The official scores by metric name, in the order of the configuration.
        before: Dice, HD95 and TRE before registration, that is of a displacement of zero.
        regularity: The Jacobian numbers, official and true.
        structures: The true numbers of each label that a metric lists, in ascending order.
    """

    name: str
    field: Path
    profile: str
    after: Mapping[str, Score]
    before: Mapping[str, Score]
    regularity: Regularity
    structures: tuple[StructureScore, ...]


def _measured(case: Case, methods: Sequence[Method], spread: Spread) -> Mapping[int, Measures]:
    """Measures every label that a metric lists; the moving labels are warped once for all of them."""
    if case.fixed is None or case.moving is None:
        return {}
    warped = warp_labels(case.moving.array, case.field.displacement, spread=spread)
    maps = Structures(case.fixed, case.moving, box_labels(warped, case.moving.boxes), case.fixed_spacing_mm)
    labels = {label for method in methods for label in method.labels}
    asked = {label for method in methods if method.metric == "hd95" for label in method.labels}
    # The surface of the background is that of the whole volume: not measured unless a metric asks.
    return measure_structures(maps, labels, asked | (labels - {0}), spread=spread)


def _label_score(values: Sequence[float]) -> Score:
    """Returns the score of some labels; NaN, for a label that an image lacks, is left out of the mean."""
    known = [value for value in values if not math.isnan(value)]
    return Score(float(np.mean(known)) if known else math.nan, tuple(values))


def _scores(
    case: Case, method: Method, measures: Mapping[int, Measures], smoothness: Regularity
) -> tuple[Score, Score | None]:
    """Returns the scores of one metric after and before registration; SDlogJ has no score before."""
    if method.metric == "sdlogj":
        return Score(smoothness.sdlogj, smoothness.sdlogj), None
    if method.metric == "tre" and method.dest is not None:
        points = case.points[method.dest]
        errors = target_errors(points, case.field.displacement, case.moving_spacing_mm)
        initial = initial_errors(points, case.moving_spacing_mm)
        after, before = (Score(float(values.mean()), tuple(values.tolist())) for values in (errors, initial))
        return after, before
    found = [measures[label] for label in method.labels]
    if method.metric == "dice" and found:
        return _label_score([one.dice for one in found]), _label_score([one.dice_before for one in found])
    if method.metric == "hd95" and found:
        return _label_score([one.hd95 for one in found]), _label_score([one.hd95_before for one in found])
    raise UsageError("metric cannot be scored", where=method.name, got=method.metric)


def score_pair(
    case: Case,
    methods: Sequence[Method],
    evaluator: Evaluator = EVALUATORS["2.0"],
    *,
    spread: Spread = in_turn,
) -> PairScore:
    """Scores one pair.

    Args:
        case: The pair with its displacement and ground truth.
        methods: The metrics, those that `case` was loaded for.
        evaluator: Whose SDlogJ is computed.
        spread: How slabs and structures are processed; the numbers do not depend on it.

    Raises:
        UsageError: If a metric is not one of the official evaluators.
    """
    smoothness = regularity(
        case.field.displacement,
        case.mask if evaluator.masked else None,
        log_offset=evaluator.log_offset,
        log_clip=evaluator.log_clip,
        spread=spread,
    )
    measures = _measured(case, methods, spread)
    after: dict[str, Score] = {}
    before: dict[str, Score] = {}
    for method in methods:
        after[method.name], initial = _scores(case, method, measures, smoothness)
        if initial is not None:
            before[method.name] = initial
    return PairScore(
        case.pair.name,
        case.field.path,
        case.field.profile.name,
        after,
        before,
        smoothness,
        tuple(_structure_score(label, measures[label]) for label in sorted(measures)),
    )


def _structure_score(label: int, one: Measures) -> StructureScore:
    return StructureScore(label, one.presence, one.dice_before, one.dice, one.hd95_mm, one.assd_mm)
