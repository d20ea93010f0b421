"""The samples that methods are compared by: one number for each method and entry, gaps filled in."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from evaluation.ranking.agreement import require_same_labels, values_per_pair
from evaluation.ranking.results import Entry, MethodResults, Metric
from pairs.errors import UsageError
from pairs.process.counting import counted

__all__ = ["RUNTIME", "Samples", "collect_samples"]

log = logging.getLogger(__name__)

RUNTIME = "runtime"
_TITLES = {"dice": "Dice", "hd95": "HD95", "sdlogj": "SDlogJ"}
# What the challenge puts in the place of a value that is missing, NaN or infinite.
_FILL_INS = MappingProxyType({"dice": 0.0, "hd95": 10.0, "sdlogj": 1.5, RUNTIME: 5000.0})
_HARDEST_SHARE = 0.3


@dataclass(frozen=True)
class Samples:
    """What one metric compares.

    Attributes:
        title: "Dice", "Dice30", "HD95", "SDlogJ" or "runtime".
        higher_is_better: Which sign of a difference is the better one.
        values: (methods, entries), all finite; entries are (pair, label) for Dice and HD95, else pairs.
        filled: Which of them are fill-ins, same shape.
        absent: (methods,), which methods have no value of this metric at all.
        fill_in: The value that was filled in.
    """

    title: str
    higher_is_better: bool
    values: NDArray[np.float64]
    filled: NDArray[np.bool_]
    absent: NDArray[np.bool_]
    fill_in: float

    @property
    def means(self) -> NDArray[np.float64]:
        """Mean over the entries for each method, fill-ins included, as in the challenge's tables."""
        means: NDArray[np.float64] = self.values.mean(axis=1)
        return means


def _filled(title: str, metric: str, values: NDArray[np.float64], absent: Sequence[bool]) -> Samples:
    missing = ~np.isfinite(values)
    fill_in = _FILL_INS[metric]
    return Samples(
        title=title,
        higher_is_better=metric == "dice",
        values=np.where(missing, fill_in, values),
        filled=missing,
        absent=np.asarray(absent, dtype=np.bool_),
        fill_in=fill_in,
    )


def _row(entries: Mapping[str, Entry], pairs: Sequence[str], count: int | None) -> NDArray[np.float64]:
    """Returns the values of some pairs in a row: `count` of each, or its mean if that is None."""
    row = np.full((len(pairs), count or 1), np.nan)
    for index, pair in enumerate(pairs):
        if pair in entries:
            entry = entries[pair]
            row[index] = entry.mean if count is None or entry.detailed is None else entry.detailed
    return row.reshape(-1)


def _of_metric(method: MethodResults, metric: Metric) -> Mapping[str, Entry]:
    return {pair: entries[metric] for pair, entries in method.after.items() if metric in entries}


def _score_samples(methods: Sequence[MethodResults], pairs: Sequence[str], metric: Metric) -> Samples | None:
    scores = [_of_metric(method, metric) for method in methods]
    if not any(scores):
        return None
    count = None if metric == "sdlogj" else values_per_pair(methods, metric)
    values = np.stack([_row(score, pairs, count) for score in scores])
    return _filled(_TITLES[metric], metric, values, [not score for score in scores])


def _hardest(
    dice: Samples, initial: Mapping[str, Entry], pairs: Sequence[str], count: int | None
) -> Samples | None:
    """Returns Dice30, the entries of Dice with the lowest initial Dice; None if that is not known.

    Entries whose initial Dice is NaN are no candidates: the structure is absent from an image, and every
    method has the same fill-in there. (The challenge's code would fill in the initial Dice too and so take
    these first; its tasks with Dice30 have all structures in all images.) The number is rounded as in the
    challenge, half to even; of equal entries those of the first pairs and labels count.
    """
    order = _row(initial, pairs, count)
    known = int(np.count_nonzero(np.isfinite(order)))
    if known == 0:
        return None
    chosen = np.argsort(order, kind="stable")[: max(1, round(_HARDEST_SHARE * known))]
    return Samples("Dice30", True, dice.values[:, chosen], dice.filled[:, chosen], dice.absent, dice.fill_in)


def _require_fitting(initial: Mapping[str, Entry], pairs: Sequence[str], count: int | None) -> None:
    """Refuses initial Dice of other pairs or labels, unless there is none at all."""
    lacking = [pair for pair in pairs if pair not in initial]
    if initial and lacking:
        if len(lacking) == len(pairs):
            raise UsageError("the initial Dice has other pairs", expected=lacking[0], got=min(initial))
        log.warning("no initial Dice for %s, left out of Dice30", counted(len(lacking), "pair"))
    if count is None:
        return
    for pair, entry in initial.items():
        got = 1 if entry.detailed is None else len(entry.detailed)
        if pair in pairs and (entry.detailed is None or got != count):
            raise UsageError("the initial Dice has other labels", where=pair, expected=count, got=got)


def _runtime_samples(
    methods: Sequence[MethodResults], pairs: Sequence[str], seconds: Mapping[str, Mapping[str, float]]
) -> Samples:
    rows = [[seconds.get(method.name, {}).get(pair, np.nan) for pair in pairs] for method in methods]
    absent = [method.name not in seconds for method in methods]
    return _filled(RUNTIME, RUNTIME, np.array(rows, dtype=np.float64), absent)


def collect_samples(
    methods: Sequence[MethodResults],
    pairs: Sequence[str],
    initial: Mapping[str, Entry],
    seconds: Mapping[str, Mapping[str, float]],
) -> tuple[Samples, ...]:
    """Lays out the values of all methods for comparison.

    Dice and HD95 have one entry for each pair and label, SDlogJ and runtime one for each pair. Fill-ins are
    those of the challenge: Dice 0, HD95 10 (voxels, although abdominal HD95 can be larger), SDlogJ 1.5,
    runtime 5000 s. They also stand for structures that an image lacks, which are NaN in every file. A metric
    that no method has is left out.

    Args:
        methods: At least two, each with its own name.
        pairs: The pairs that are ranked; a method may lack some of them.
        initial: By pair the Dice before registration; empty where not known, and then there is no Dice30.
        seconds: By method and pair the runtime; empty leaves runtime out of the comparison.

    Raises:
        UsageError: If the files are of different labels, the initial Dice is of other pairs or labels, or
            there is no metric that is ranked.
    """
    require_same_labels(methods)
    dice = _score_samples(methods, pairs, "dice")
    hardest = None
    if dice is not None:
        count = values_per_pair(methods, "dice")
        _require_fitting(initial, pairs, count)
        hardest = _hardest(dice, initial, pairs, count)
    others = (_score_samples(methods, pairs, metric) for metric in ("hd95", "sdlogj"))
    samples = tuple(sample for sample in (dice, hardest, *others) if sample is not None)
    if not samples:
        where = ", ".join(str(method.path) for method in methods)
        raise UsageError("no metric can be ranked", where=where, expected="Dice, HD95 or SDlogJ")
    return (*samples, _runtime_samples(methods, pairs, seconds)) if seconds else samples
