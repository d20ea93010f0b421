"""An evaluation with known scores, for the tests of the reports."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.metrics.jacobian import Regularity
from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.evaluator import EVALUATORS
from evaluation.scoring.score import PairScore, Presence, Score, StructureScore
from pairs.tasks.evaluation_config import Method

__all__ = ["known_evaluation"]

_NAN = math.nan
_INF = math.inf
_NAMES = ("LogJacDetStd", "DSC", "HD95", "TRE_kp")
_EARLY_NAMES = ("LogJacDetStd", "DiceCoefficient", "HausdorffDistance95", "TRE_kp")


def _structure(label: int, presence: Presence, *numbers: float) -> StructureScore:
    before, after, hd95_mm, assd_mm = numbers or (_NAN,) * 4
    return StructureScore(label, presence, before, after, hd95_mm, assd_mm)


def _pair(names: tuple[str, ...], name: str, structures: tuple[StructureScore, ...]) -> PairScore:
    """A pair on 2 mm voxels whose HD95 before registration was 8 voxels and whose official SDlogJ is 0.1."""
    _, dice, hd95, tre = names
    shared = [one for one in structures if not math.isnan(one.dice)]
    distances = tuple(one.hd95_mm / 2 for one in structures)
    known = [one.hd95_mm / 2 for one in shared]
    before = tuple(one.dice_before for one in structures)
    return PairScore(
        name=name,
        field=Path("fields") / f"disp_{name}.nii.gz",
        profile="l2r2022",
        after={
            "LogJacDetStd": Score(0.1, 0.1),
            dice: Score(_mean([one.dice for one in shared]), tuple(one.dice for one in structures)),
            hd95: Score(_mean(known), distances),
            tre: Score(1.5, (1.0, 2.0)),
        },
        before={
            dice: Score(_mean([one.dice_before for one in shared]), before),
            hd95: Score(8.0, tuple(8.0 if one in shared else _NAN for one in structures)),
            tre: Score(5.0, (4.0, 6.0)),
        },
        regularity=Regularity(sdlogj=0.1, sdlogj_plain=0.4, fold_fraction=0.02, ndv_fraction=0.01),
        structures=structures,
    )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else _NAN


@pytest.fixture
def known_evaluation() -> Callable[[str], Evaluation]:
    """A function that makes an evaluation of three pairs and three structures for an evaluator.

    The first pair lacks structure 2 in its fixed image and loses structure 3 by the warp; the second pair has
    1 and 2; the third pair has no structure in both images.
    """

    def make(evaluator: str) -> Evaluation:
        names = _EARLY_NAMES if EVALUATORS[evaluator].early else _NAMES
        pairs = (
            _pair(
                names,
                "0001_0000<--0002_0000",
                (
                    _structure(1, "both", 0.2, 0.8, 2.0, 0.5),
                    _structure(2, "absent_fixed"),
                    _structure(3, "lost", 0.5, 0.0, _INF, _INF),
                ),
            ),
            _pair(
                names,
                "0001_0000<--0003_0000",
                (
                    _structure(1, "both", 0.4, 0.6, 4.0, 1.5),
                    _structure(2, "both", 0.9, 0.7, 6.0, 2.5),
                    _structure(3, "absent"),
                ),
            ),
            _pair(
                names,
                "0001_0000<--0004_0000",
                (_structure(1, "absent_moving"), _structure(2, "absent"), _structure(3, "absent")),
            ),
        )
        methods = (
            Method(name=names[0], metric="sdlogj"),
            Method(name=names[1], metric="dice", labels=(1, 2, 3)),
            Method(name=names[2], metric="hd95", labels=(1, 2, 3)),
            Method(name=names[3], metric="tre", dest="keypoints"),
        )
        return Evaluation("Known", EVALUATORS[evaluator], methods, {1: "one", 2: "two"}, pairs)

    return make
