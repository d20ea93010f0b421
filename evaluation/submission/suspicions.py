"""Suspicions: what the trials of all fields say together, told with the numbers that led to it."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.submission.findings import Finding, Severity, warning
from evaluation.submission.readings import Reading
from evaluation.submission.trial import Trial
from pairs.process.counting import counted

__all__ = ["SUSPICION", "Verdict", "judge"]

SUSPICION = "suspicion"
"""The rule of all these findings: a host takes such fields and scores them badly."""

# How far a mean over pairs strays by chance falls with the root of their number, so both are compared with
# the mean times that root. In sets of 1 to 20 HippocampusMR pairs no right, weak or zero field reached the
# first, and one of 282 sets of random fields, which are wrong anyway, the second (docs/scoring.md).
_LOSS = 0.1
_LEAD = 0.2
# From here on a reading is worth a mention beside fields that are wrong anyway.
_HINT = 0.1


@dataclass(frozen=True)
class Verdict:
    """What is told of the fields, and the name of the reading that is meant where another one is certain."""

    findings: tuple[Finding, ...] = ()
    meant: str | None = None


@dataclass(frozen=True)
class _Set:
    """All pairs that tell something; one number for each pair (P) and reading (R), the one as stored first.

    Attributes:
        measure: The word for the numbers.
        tried: The readings that all these pairs have; their grids may differ.
        before: (P,) without displacement.
        after: (P, R) under each reading.
        gain: (R,) mean of the gains in everything that a pair is compared by.
    """

    measure: str
    tried: tuple[Reading, ...]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    gain: NDArray[np.float64]

    @classmethod
    def of(cls, trials: Sequence[Trial]) -> "_Set":
        places = [{one.name: place for place, one in enumerate(trial.tried)} for trial in trials]
        tried = tuple(one for one in trials[0].tried if all(one.name in known for known in places))
        chosen = [[known[one.name] for one in tried] for known in places]
        after = [trial.after[:, columns] for trial, columns in zip(trials, chosen, strict=True)]
        gains = [
            (one - trial.before[:, np.newaxis]).sum(axis=0) for one, trial in zip(after, trials, strict=True)
        ]
        return cls(
            trials[0].measures[0],
            tried,
            np.array([trial.before[0] for trial in trials]),
            np.array([one[0] for one in after]),
            np.mean(gains, axis=0),
        )

    @property
    def best(self) -> int:
        return int(np.argmax(self.gain))

    @property
    def loss(self) -> float:
        return float((self.before - self.after[:, 0]).mean()) * math.sqrt(self.before.size)

    @property
    def lead(self) -> float:
        """How far the best reading is before no displacement, the one as stored, and all but its kin."""
        kin = self.tried[self.best].kin
        rivals = [gain for gain, one in zip(self.gain.tolist(), self.tried, strict=True) if one.kin != kin]
        return float(self.gain[self.best] - max(0.0, self.gain[0], *rivals)) * math.sqrt(self.before.size)

    def numbers(self, reading: int | None) -> str:
        before, stored = float(self.before.mean()), float(self.after[:, 0].mean())
        told = f"{self.measure} {before:.3f} without displacement, {stored:.3f} as stored"
        if reading is None:
            return told
        column = self.after[:, reading]
        wins = int((column > np.maximum(self.before, self.after[:, 0])).sum())
        return f"{told}, {float(column.mean()):.3f} if so; better in {wins} of {counted(column.size, 'pair')}"


def judge(trials: Sequence[Trial]) -> Verdict:
    """Judges all trials together; where the set as a whole is sound, each field alone.

    Args:
        trials: One for each field that could be tried.

    Returns:
        One finding for the whole set, or one warning for each field that stands out, or nothing.
    """
    telling = [trial for trial in trials if trial.tells]
    if not telling:
        return Verdict()
    # Where only some pairs have labels, numbers of one kind are compared with each other.
    ((measures, _),) = Counter(trial.measures for trial in telling).most_common(1)
    telling = [trial for trial in telling if trial.measures == measures]
    fields = _Set.of(telling)
    if fields.best and fields.lead >= _LEAD:
        return _mistaken(fields, fields.tried[fields.best])
    if fields.loss >= _LOSS:
        return Verdict((_worse("error", "", fields),))
    alone = [(trial.name, _Set.of([trial])) for trial in telling]
    return Verdict(tuple(_worse("warning", name, one) for name, one in alone if one.loss >= _LOSS))


def _mistaken(fields: _Set, reading: Reading) -> Verdict:
    what, got = f"suspected: {reading.name}", fields.numbers(fields.best)
    if reading.rescales:
        # A registration that is too weak looks the same.
        return Verdict((warning(SUSPICION, "", what, got=got, remedy=reading.remedy),))
    finding = Finding("error", SUSPICION, "", what, got=got, remedy=reading.remedy, repairable=True)
    return Verdict((finding,), reading.name)


def _worse(severity: Severity, name: str, fields: _Set) -> Finding:
    what = ("the fields align the pairs", "the field aligns its pair")[bool(name)]
    what += " worse than no displacement"
    hinted = fields.best if fields.best and fields.lead >= _HINT else None
    if hinted is not None:
        what += f", perhaps because of: {fields.tried[hinted].name}"
    remedy = "look at units, axes and direction, and at the registration itself"
    return Finding(severity, SUSPICION, name, what, got=fields.numbers(hinted), remedy=remedy)
