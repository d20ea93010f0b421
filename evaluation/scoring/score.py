"""The scores of one pair, by the official formulas of evaluator 2.0 and by true ones beside them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.jacobian import Regularity, regularity
from evaluation.metrics.overlap import dice
from evaluation.metrics.regions import LabelMap, box_labels, mask_pair
from evaluation.metrics.surface import hd95
from evaluation.scoring.case import Case
from evaluation.scoring.landmarks import target_errors
from evaluation.scoring.warp import warp_labels
from pairs.errors import UsageError
from pairs.evaluation_config import Method

__all__ = ["PairScore", "Score", "score_pair"]

_STRUCTURE_METRICS = {"dice": dice, "hd95": hd95}


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
class PairScore:
    """All scores of one pair.

    Attributes:
        name: Name of the pair, "0211_0000<--0250_0000".
        field: The file that was scored.
        profile: Name of the output profile it is in.
        after: The official scores by metric name, in the order of the configuration.
        before: Dice, HD95 and TRE before registration, that is of a displacement of zero.
        regularity: The Jacobian numbers, official and true.
    """

    name: str
    field: Path
    profile: str
    after: Mapping[str, Score]
    before: Mapping[str, Score]
    regularity: Regularity


def _structure_score(method: Method, fixed: LabelMap, warped: LabelMap, moving: LabelMap) -> Score:
    """Dice or HD95 of each label; NaN where fixed or unwarped moving lack it (facts/learn2reg.md 3.3)."""
    measure = _STRUCTURE_METRICS[method.metric]
    shared = fixed.boxes.keys() & moving.boxes.keys()
    values = tuple(
        measure(*mask_pair(fixed, warped, label)) if label in shared else math.nan for label in method.labels
    )
    known = [value for value in values if not math.isnan(value)]
    return Score(float(np.mean(known)) if known else math.nan, values)


def _point_score(case: Case, dest: str, displacement: NDArray[np.float32]) -> Score:
    errors = target_errors(case.points[dest], displacement, case.moving_spacing_mm)
    return Score(float(errors.mean()), tuple(errors.tolist()))


def _warped_labels(case: Case) -> LabelMap | None:
    if case.moving is None:
        return None
    return box_labels(warp_labels(case.moving.array, case.field.displacement), case.moving.boxes)


def score_pair(case: Case, methods: Sequence[Method]) -> PairScore:
    """Scores one pair; its moving labels are warped once for all metrics.

    Args:
        case: The pair with its displacement and ground truth.
        methods: The metrics, those that `case` was loaded for.

    Raises:
        UsageError: If a metric is not one of evaluator 2.0.
    """
    displacement = case.field.displacement
    smoothness = regularity(displacement, case.mask)
    warped = _warped_labels(case)
    after: dict[str, Score] = {}
    before: dict[str, Score] = {}
    for method in methods:
        if method.metric == "sdlogj":
            after[method.name] = Score(smoothness.sdlogj, smoothness.sdlogj)
        elif method.metric in _STRUCTURE_METRICS and case.fixed and case.moving and warped:
            after[method.name] = _structure_score(method, case.fixed, warped, case.moving)
            before[method.name] = _structure_score(method, case.fixed, case.moving, case.moving)
        elif method.metric == "tre" and method.dest is not None:
            after[method.name] = _point_score(case, method.dest, displacement)
            before[method.name] = _point_score(case, method.dest, np.zeros_like(displacement))
        else:
            raise UsageError("metric cannot be scored", where=method.name, got=method.metric)
    return PairScore(case.pair.name, case.field.path, case.field.profile.name, after, before, smoothness)
