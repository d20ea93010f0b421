"""Suspicions: what the trials of all fields say together, told with the numbers that led to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.check.findings import Finding, Severity
from evaluation.check.hypotheses import Hypothesis
from evaluation.check.trial import Trial

__all__ = ["SUSPICION", "suspicions"]

SUSPICION = "suspicion"
"""The rule of all these findings: a host takes such fields and scores them badly."""

# A pair that agrees this well without displacement (an image with itself) tells nothing.
_AGREES = 0.95
# Gains are differences of mean Dice or correlation, which both end at 1.
_LEAST_GAIN = 0.05
_LEAST_LEAD = 0.03
_LEAST_SHARE = 0.8
# What makes a suspicion an error. On 40 hippocampus pairs that are registered rightly no wrong reading of
# axes or direction beats the right one in a single pair; in small or synthetic sets chance does.
_SURE_SHARE = 0.9
_SURE_GAIN = 0.1
_SURE_PAIRS = 3
_SURE_PAIRS_UNITS = 5
_LITTLE = 0.25
_PLAIN_GAIN = 0.25
_PLAIN_LEVEL = 0.75
# One field among others that do their work.
_ALONE_GAIN = 0.15


@dataclass(frozen=True)
class _Case:
    """One hypothesis over all pairs that tell something; arrays of one number for each pair."""

    hypothesis: Hypothesis
    before: NDArray[np.float64]
    stored: NDArray[np.float64]
    other: NDArray[np.float64]

    @property
    def gain(self) -> float:
        return float((self.other - self.before).mean())

    @property
    def stored_gain(self) -> float:
        return float((self.stored - self.before).mean())

    @property
    def lead(self) -> float:
        return float((self.other - self.stored).mean())

    @property
    def wins(self) -> NDArray[np.bool_]:
        return self.other > np.maximum(self.before, self.stored)


def suspicions(trials: Sequence[Trial], hypotheses: Mapping[str, Hypothesis]) -> list[Finding]:
    """Judges all trials together; where the set as a whole is sound, each field alone.

    Args:
        trials: One for each field that could be tried.
        hypotheses: By name, those of the trials.

    Returns:
        One finding for the whole set, or one warning for each field that stands out, or nothing.
    """
    telling = [trial for trial in trials if _tells(trial)]
    if not telling:
        return []
    cases = [
        _case(telling, one) for name, one in hypotheses.items() if all(name in t.others for t in telling)
    ]
    likely = [case for case in cases if _suspected(case)]
    if likely:
        return [_set_finding(max(likely, key=lambda case: case.gain), telling)]
    return [found for trial in telling for found in _alone(trial, hypotheses)]


def _tells(trial: Trial) -> bool:
    values = (trial.before, trial.stored, *trial.others.values())
    return bool(np.isfinite(values).all()) and trial.before < _AGREES


def _case(trials: Sequence[Trial], hypothesis: Hypothesis) -> _Case:
    return _Case(
        hypothesis,
        np.array([trial.before for trial in trials]),
        np.array([trial.stored for trial in trials]),
        np.array([trial.others[hypothesis.name] for trial in trials]),
    )


def _suspected(case: _Case) -> bool:
    return case.gain >= _LEAST_GAIN and case.lead >= _LEAST_LEAD and float(case.wins.mean()) >= _LEAST_SHARE


def _sure(case: _Case) -> bool:
    """Whether chance cannot explain it, nor a weak registration that a larger step would improve."""
    if case.hypothesis.family == "halved" or float(case.wins.mean()) < _SURE_SHARE:
        return False
    idle = case.stored_gain <= _LITTLE * case.gain
    plain = case.gain >= _PLAIN_GAIN and float(case.other.mean()) >= _PLAIN_LEVEL
    if case.wins.size < _SURE_PAIRS:
        return idle and plain
    if case.hypothesis.family == "units" and case.wins.size >= _SURE_PAIRS_UNITS:
        return case.gain >= _SURE_GAIN and (idle or case.lead >= _LEAST_GAIN)
    return case.gain >= _SURE_GAIN and (idle or case.lead >= _SURE_GAIN)


def _set_finding(case: _Case, trials: Sequence[Trial]) -> Finding:
    wins, pairs = int(case.wins.sum()), case.wins.size
    means = (case.before.mean(), case.stored.mean(), case.other.mean())
    got = f"{_numbers(trials[0].measure, *map(float, means))}; better in {wins} of {pairs} pairs"
    severity: Severity = "error" if _sure(case) else "warning"
    what = f"suspected: {case.hypothesis.name}"
    return Finding(severity, SUSPICION, "", what, got=got, remedy=case.hypothesis.remedy)


def _alone(trial: Trial, hypotheses: Mapping[str, Hypothesis]) -> list[Finding]:
    name = max(trial.others, key=lambda one: trial.others[one])
    hypothesis = hypotheses[name]
    worse = trial.stored <= trial.before
    if not worse or hypothesis.family == "halved" or trial.others[name] - trial.before < _ALONE_GAIN:
        return []
    got = _numbers(trial.measure, trial.before, trial.stored, trial.others[name])
    what = f"suspected in this field alone: {name}"
    return [Finding("warning", SUSPICION, trial.name, what, got=got, remedy=hypothesis.remedy)]


def _numbers(measure: str, before: float, stored: float, other: float) -> str:
    return f"{measure} {before:.3f} without displacement, {stored:.3f} as stored, {other:.3f} if so"
