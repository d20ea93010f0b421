"""What the evaluation says of a set of fields, read from the file that it writes."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pairs.errors import UsageError
from pairs.files.regularfile import read_regular

__all__ = ["PairScores", "Scores", "read_scores"]


@dataclass(frozen=True)
class PairScores:
    """One pair.

    Attributes:
        dice: Mean over the regions.
        dice_before: The same without registration.
        hd95_vox: 95th percentile of the surface distance in voxels, mean over the regions.
        hd95_before_vox: The same without registration.
        sdlogj: Official standard deviation of log(J + 3).
        fold_fraction: Share of voxels with J <= 0.
        region_dice: By region, in the order of the labels; NaN where one of the two images lacks it.
        region_dice_before: The same without registration.
    """

    dice: float
    dice_before: float
    hd95_vox: float
    hd95_before_vox: float
    sdlogj: float
    fold_fraction: float
    region_dice: tuple[float, ...]
    region_dice_before: tuple[float, ...]


@dataclass(frozen=True)
class Scores:
    """One evaluation: means over pairs, and each pair."""

    dice_before: float
    dice: float
    hd95_vox: float
    sdlogj: float
    sdlogj_plain: float
    fold_fraction: float
    pairs: Mapping[str, PairScores]

    @property
    def pair_dice(self) -> dict[str, float]:
        """Dice of each pair."""
        return {name: pair.dice for name, pair in self.pairs.items()}


def read_scores(path: Path) -> Scores:
    """Reads what `evaluate --json` wrote.

    Raises:
        UsageError: If the task has no labels, so that there is no Dice.
    """
    document = json.loads(read_regular(path))
    official, true = document["aggregates"], document["true"]["aggregates"]
    if "DSC" not in official:
        raise UsageError("accuracy needs labels", where=document["name"], got="no Dice in the evaluation")
    more = document["true"]["cases"]
    return Scores(
        dice_before=true["before"]["DSC"]["mean"],
        dice=official["DSC"]["mean"],
        hd95_vox=official["HD95"]["mean"],
        sdlogj=official["LogJacDetStd"]["mean"],
        sdlogj_plain=true["sdlogj_plain"]["mean"],
        fold_fraction=true["fold_fraction"]["mean"],
        pairs={name: _pair(case, more[name]) for name, case in document["cases"].items()},
    )


def _pair(case: Mapping[str, Any], more: Mapping[str, Any]) -> PairScores:
    return PairScores(
        dice=case["DSC"]["mean"],
        dice_before=more["before"]["DSC"]["mean"],
        hd95_vox=case["HD95"]["mean"],
        hd95_before_vox=more["before"]["HD95"]["mean"],
        sdlogj=case["LogJacDetStd"]["mean"],
        fold_fraction=more["fold_fraction"],
        region_dice=_detailed(case["DSC"]),
        region_dice_before=_detailed(more["before"]["DSC"]),
    )


def _detailed(metric: Mapping[str, Any]) -> tuple[float, ...]:
    values = metric["detailed"]
    return tuple(math.nan if value is None else float(value) for value in values)
