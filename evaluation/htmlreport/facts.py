"""What was run, and the main numbers, as pairs of a term and a text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.htmlreport.pairtable import PairNumbers
from evaluation.htmlreport.runrecord import PairRun, Run
from evaluation.htmlreport.shown import number, percent
from evaluation.reports.aggregate import summarise, summarise_method
from evaluation.scoring.evaluate import Evaluation

__all__ = ["Card", "cards_of", "run_facts"]

_METHODS = {"network": "textSCF, networks", "general": "general method, without trained weights"}
_NOTES = {
    "dice": "higher is better",
    "hd95": "voxels, lower is better",
    "tre": "mm, lower is better",
}


@dataclass(frozen=True)
class Card:
    """One of the numbers at the top of the page.

    Attributes:
        name: What it is.
        before: Before registration; empty where there is none.
        after: After it.
        note: Its unit, spread or direction.
    """

    name: str
    before: str
    after: str
    note: str


def cards_of(evaluation: Evaluation, pairs: Sequence[PairNumbers]) -> list[Card]:
    """Returns the main numbers: metrics, else what there is without labels; regularity; time and memory."""
    cards = []
    for method in evaluation.methods:
        before = summarise_method(evaluation, method, before=True)
        after = summarise_method(evaluation, method)
        if method.metric not in _NOTES or before is None or after is None:
            continue
        digits = 3 if method.metric == "dice" else 2
        spread = f", sd {number(after.std, digits)}"
        cards.append(
            Card(
                f"Mean {method.name}",
                number(before.mean, digits),
                number(after.mean, digits),
                _NOTES[method.metric] + spread,
            )
        )
    if not cards:
        before, after = (
            summarise((pair.similarity[side].correlation for pair in pairs), skip_nan=True) for side in (0, 1)
        )
        note = f"of the images, higher is better, sd {number(after.std, 3)}"
        cards.append(Card("Mean correlation", number(before.mean, 3), number(after.mean, 3), note))
    regular = [score.regularity for score in evaluation.scores]
    worst = max(one.fold_fraction for one in regular)
    folds = summarise(one.fold_fraction for one in regular).mean
    cards.append(Card("Folded voxels", "", percent(folds), f"worst pair {percent(worst)}"))
    sdlogj = summarise((one.sdlogj for one in regular), skip_nan=True)
    cards.append(Card("SDlogJ", "", number(sdlogj.mean, 3), "official, lower is smoother"))
    return [*cards, *_costs(pairs)]


def _costs(pairs: Sequence[PairNumbers]) -> list[Card]:
    runs = [pair.run for pair in pairs if pair.run is not None]
    if not runs:
        return []
    times = [one.seconds for one in runs]
    memory = max(one.peak_memory_mib for one in runs)
    return [
        Card(
            "Time a pair",
            "",
            f"{number(math.fsum(times) / len(times), 1)} s",
            f"longest {number(max(times), 1)} s, memory {number(memory / 1024, 1)} GiB",
        )
    ]


def run_facts(run: Run, pairs: Sequence[PairRun]) -> list[tuple[str, str]]:
    """Returns what was run, from the report of the run.

    Args:
        run: The run.
        pairs: Those of its pairs that are shown.
    """
    times, memory = [one.seconds for one in pairs], [one.peak_memory_mib for one in pairs]
    facts = [
        ("Method", _METHODS.get(run.method, run.method)),
        ("Weights", f"{run.weights}, SHA-256 {run.weights_sha256}" if run.weights else "none"),
        ("Training of the weights", "; ".join(_training(run))),
        ("Fields", f"profile {run.profile}" + (f": {run.profile_reason}" if run.profile_reason else "")),
        ("Program", f"textscf-l2r {run.version}, sources {run.program}, torch {run.torch}"),
        ("Device", ", ".join(dict.fromkeys([run.device, *(one.device for one in pairs if one.device)]))),
        ("Time", _time(times)),
        ("Peak memory", f"{number(max(memory), 0)} MiB" if memory else ""),
    ]
    return [(term, text) for term, text in facts if text]


def _training(run: Run) -> list[str]:
    told = []
    for part, entry in run.training.items():
        if isinstance(entry, dict):
            told.append(f"{part}: {', '.join(f'{key} {value}' for key, value in entry.items())}")
    return told


def _time(times: Sequence[float]) -> str:
    if not times:
        return ""
    mean = math.fsum(times) / len(times)
    return (
        f"{number(mean, 1)} s a pair ({number(min(times), 1)} to {number(max(times), 1)}), "
        f"{number(math.fsum(times), 0)} s in all"
    )
