"""The structures of one pair as rows: overlap and distances before and after registration."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.htmlreport.appearance import Regions
from evaluation.reports.aggregate import label_value
from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.score import PairScore, Score
from pairs.tasks.evaluation_config import Method

__all__ = ["StructureNumbers", "of_labels", "of_regions"]

_PRESENCE = {
    "both": "",
    "absent_fixed": "not in the fixed image",
    "absent_moving": "not in the moving image",
    "absent": "in neither image",
    "lost": "pushed out of the volume",
}


@dataclass(frozen=True)
class StructureNumbers:
    """One structure of one pair.

    Attributes:
        label: Its label.
        name: Its name, or the label.
        remark: Where it is missing; empty where it is in both images.
        dice: Before and after.
        hd95: In voxels, before and after.
        hd95_mm: After.
        assd_mm: After.
    """

    label: int
    name: str
    remark: str
    dice: tuple[float, float]
    hd95: tuple[float, float]
    hd95_mm: float
    assd_mm: float


def of_labels(evaluation: Evaluation, score: PairScore) -> list[StructureNumbers]:
    """Returns the structures that were scored, by the task's labels."""
    hd95 = next((one for one in evaluation.methods if one.metric == "hd95"), None)
    return [
        StructureNumbers(
            label=one.label,
            name=_name(evaluation.label_names, one.label),
            remark=_PRESENCE[one.presence],
            dice=(one.dice_before, one.dice),
            hd95=(_voxels(hd95, score.before, one.label), _voxels(hd95, score.after, one.label)),
            hd95_mm=one.hd95_mm,
            assd_mm=one.assd_mm,
        )
        for one in score.structures
    ]


def of_regions(regions: Regions, names: Mapping[int, str]) -> list[StructureNumbers]:
    """Returns regions that stand in for labels."""
    return [
        StructureNumbers(
            label=label,
            name=_name(names, label),
            remark=_PRESENCE[one.presence],
            dice=(one.dice_before, one.dice),
            hd95=(one.hd95_before, one.hd95),
            hd95_mm=one.hd95_mm,
            assd_mm=one.assd_mm,
        )
        for label, one in sorted(regions.measures.items())
    ]


def _name(names: Mapping[int, str], label: int) -> str:
    return names.get(label) or f"label {label}"


def _voxels(method: Method | None, case: Mapping[str, Score], label: int) -> float:
    if method is None or method.name not in case:
        return math.nan
    return label_value(case[method.name], method, label)
