"""Suspicions: what the trials of all fields show together, with the numbers that led to it."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.submission.conventions import CONVENTIONS, HALVED, Convention
from evaluation.submission.findings import Finding, Severity, warning
from evaluation.submission.trial import Trial
from pairs.process.counting import counted

__all__ = ["SUSPICION", "Verdict", "judge"]

SUSPICION = "suspicion"
"""The rule of all these findings: a host accepts such fields and scores them badly."""

# The chance variation of a mean over pairs falls with the root of their number, so means are multiplied by
# that root first. No right, weak or zero fields of HippocampusMR reached the first limit, and one of 282 sets
# of random fields, which are wrong anyway, the second (docs/scoring.md).
_NOTICEABLE = 0.1
_CERTAIN = 0.2


@dataclass(frozen=True)
class Verdict:
    """The outcome for a set of fields.

    Attributes:
        findings: One for the whole set, or one for each field that is worse than no displacement.
        meant: The convention in which the fields are stored, where that is certain and not the challenge's.
    """

    findings: tuple[Finding, ...] = ()
    meant: Convention | None = None


class _Fields:
    """The fields of a set, compared by one measure."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self._measure = trials[0].measures[0]
        self._header = trials[0].header
        self._before = np.array([trial.before[0] for trial in trials])
        self._after = np.array([trial.after[0] for trial in trials])
        gains = [(trial.after - trial.before[:, np.newaxis]).sum(axis=0) for trial in trials]
        # Conventions that do not fit the grid of every pair are no candidates.
        self._gain: NDArray[np.float64] = np.mean(gains, axis=0)
        # Of equal ones, as of millimetres and voxels where they are the same, the one with fewer mistakes.
        self._best = int(np.nanargmax(np.round(self._gain, 3)))
        self._root = math.sqrt(len(trials))

    @property
    def best(self) -> Convention:
        return CONVENTIONS[self._best]

    @property
    def loss(self) -> float:
        """How much worse the fields as stored are than no displacement."""
        return float((self._before - self._after[:, 0]).mean()) * self._root

    @property
    def lead(self) -> float:
        """How far the best convention is ahead of no displacement, of AS_STORED and of other families."""
        if self._best == 0:
            return 0.0
        family = self.best.family(self._header)
        pairs = zip(self._gain.tolist(), CONVENTIONS, strict=True)
        rivals = [gain for gain, one in pairs if not math.isnan(gain) and one.family(self._header) != family]
        return float(self._gain[self._best] - max(0.0, self._gain[0], *rivals)) * self._root

    def numbers(self, *, with_best: bool) -> str:
        before, stored = float(self._before.mean()), float(self._after[:, 0].mean())
        text = f"{self._measure} {before:.3f} without displacement, {stored:.3f} as stored"
        if not with_best:
            return text
        column = self._after[:, self._best]
        wins = int((column > np.maximum(self._before, self._after[:, 0])).sum())
        return f"{text}, {float(column.mean()):.3f} if so; better in {wins} of {counted(column.size, 'pair')}"


def judge(trials: Sequence[Trial]) -> Verdict:
    """Judges all trials together; where nothing is wrong with the whole set, each field alone.

    Args:
        trials: One for each field that could be tried.
    """
    chosen = [trial for trial in trials if trial.informative]
    if not chosen:
        return Verdict()
    # Where only some pairs have labels, numbers of one kind are compared with each other.
    ((measures, _),) = Counter(trial.measures for trial in chosen).most_common(1)
    chosen = [trial for trial in chosen if trial.measures == measures]
    fields = _Fields(chosen)
    if fields.lead >= _CERTAIN:
        return _mistaken(fields)
    if fields.loss >= _NOTICEABLE:
        return Verdict((_worse("error", "", fields),))
    alone = [(trial.name, _Fields([trial])) for trial in chosen]
    return Verdict(tuple(_worse("warning", name, one) for name, one in alone if one.loss >= _NOTICEABLE))


def _mistaken(fields: _Fields) -> Verdict:
    best, got = fields.best, fields.numbers(with_best=True)
    what = f"suspected: {best.name}"
    if best is HALVED:
        return Verdict((warning(SUSPICION, "", what, got=got, remedy=best.remedy),))
    finding = Finding("error", SUSPICION, "", what, got=got, remedy=best.remedy, repairable=True)
    return Verdict((finding,), best)


def _worse(severity: Severity, name: str, fields: _Fields) -> Finding:
    what = ("the fields align the pairs", "the field aligns its pair")[bool(name)]
    what += " worse than no displacement"
    hinted = fields.lead >= _NOTICEABLE
    if hinted:
        what += f", perhaps because of: {fields.best.name}"
    remedy = "check units, axes and direction, and the registration itself"
    return Finding(severity, SUSPICION, name, what, got=fields.numbers(with_best=hinted), remedy=remedy)
