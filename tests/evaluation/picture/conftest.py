"""An evaluation with as many pairs and structures as a test of the plots asks for."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from evaluation.metrics.jacobian import Regularity
from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.evaluator import EVALUATORS
from evaluation.scoring.score import PairScore, Score
from pairs.tasks.evaluation_config import Method

__all__ = ["many_scores"]

_METHODS: dict[str, Method] = {
    "sdlogj": Method(name="LogJacDetStd", metric="sdlogj"),
    "tre": Method(name="TRE_kp", metric="tre", dest="keypoints"),
}
_NAMES: dict[Literal["dice", "hd95"], str] = {"dice": "DSC", "hd95": "HD95"}


def _score(values: list[float]) -> Score:
    known = [value for value in values if not math.isnan(value)]
    return Score(sum(known) / len(known) if known else math.nan, tuple(values))


@pytest.fixture
def many_scores() -> Callable[..., Evaluation]:
    """A function that makes an evaluation; label 2 is absent from the first pair, 1 lost in the last one."""

    def make(pairs: int, structures: int, *metrics: str, gaps: bool = False) -> Evaluation:
        labels = tuple(range(1, structures + 1))
        scored = {key: Method(name=name, metric=key, labels=labels) for key, name in _NAMES.items()}
        methods = [{**_METHODS, **scored}[metric] for metric in metrics]
        draw = np.random.default_rng(0)
        scores = []
        for index in range(pairs):
            after: dict[str, Score] = {"LogJacDetStd": Score(0.1, 0.1), "TRE_kp": Score(2.0, (2.0,))}
            before: dict[str, Score] = {"TRE_kp": Score(9.0, (9.0,))}
            for name, scale in (("DSC", 1.0), ("HD95", 30.0)):
                old, new = (draw.uniform(0, scale, structures).tolist() for _ in range(2))
                if gaps and index == 0:
                    old[1] = new[1] = math.nan
                if gaps and index == pairs - 1:
                    new[0] = 0.0 if name == "DSC" else math.inf
                before[name], after[name] = _score(old), _score(new)
            shown = {method.name for method in methods}
            scores.append(
                PairScore(
                    name=f"0001_0000<--{index:04d}_0000",
                    field=Path("disp"),
                    profile="l2r2022",
                    after={name: score for name, score in after.items() if name in shown},
                    before={name: score for name, score in before.items() if name in shown},
                    regularity=Regularity(0.1, 0.4, 0.002, 0.001),
                    structures=(),
                )
            )
        names = {label: f"Left-Structure-Of-Length-{label}" for label in labels}
        return Evaluation("Many", EVALUATORS["2.0"], tuple(methods), names, tuple(scores))

    return make
