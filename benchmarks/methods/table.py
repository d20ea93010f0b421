"""The table of several methods on the same pairs, and what has to be said below it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from benchmarks.methods.trial import Trial
from studies.markdown import markdown_table
from studies.paired import bootstrap_interval, paired_differences
from studies.scores import Scores

__all__ = ["Result", "render"]

HEADER = (
    "method",
    "Dice",
    "HD95 [voxels]",
    "SDlogJ official",
    "folds [%]",
    "a pair [s]",
    "all cores [s]",
    "peak [MiB]",
)
COMPARISON = "Dice against the best rival [95 % interval]"
_NAMED = 5


@dataclass(frozen=True)
class Result:
    """What a method did.

    Attributes:
        name: Of the method.
        is_rival: Whether it is the work of others.
        made_by: Its version and settings.
        scores: Of all pairs; a failed one is scored without displacement.
        trials: By the name of the pair.
    """

    name: str
    is_rival: bool
    made_by: str
    scores: Scores
    trials: Mapping[str, Trial]


def render(results: Sequence[Result]) -> str:
    """The table with a note for each method, and one for each that failed.

    With a rival among them, the last column compares the Dice, pair by pair, with that of the rival of the
    highest mean.
    """
    rows = [_before(results[0].scores), *(_cells(result) for result in results)]
    header: tuple[str, ...] = HEADER
    rivals = [result for result in results if result.is_rival]
    if rivals:
        best = max(rivals, key=lambda result: result.scores.dice)
        header = (*HEADER, COMPARISON)
        rows[0].append("")
        for row, result in zip(rows[1:], results, strict=True):
            row.append("reference" if result is best else _difference(result, best))
    notes = [f"- {result.name}: {result.made_by}" for result in results]
    return "\n".join([markdown_table(header, rows), "", *notes, *_failures(results)])


def _before(scores: Scores) -> list[str]:
    hd95_vox = fmean(pair.hd95_before_vox for pair in scores.pairs.values())
    return ["before registration", f"{scores.dice_before:.4f}", f"{hd95_vox:.3f}", "0", "0", "", "", ""]


def _cells(result: Result) -> list[str]:
    scores = result.scores
    return [
        result.name,
        f"{scores.dice:.4f}",
        f"{scores.hd95_vox:.3f}",
        f"{scores.sdlogj:.4f}",
        f"{100 * scores.fold_fraction:.4f}",
        *_spent([trial for trial in result.trials.values() if trial.failure is None]),
    ]


def _spent(trials: Sequence[Trial]) -> list[str]:
    if not trials:
        return ["", "", ""]
    wall_s, cpu_s = median(trial.wall_s for trial in trials), median(trial.cpu_s for trial in trials)
    return [f"{wall_s:.1f}", f"{cpu_s:.1f}", f"{max(trial.peak_mib for trial in trials):.0f}"]


def _difference(result: Result, best: Result) -> str:
    interval = bootstrap_interval(paired_differences(result.scores.pair_dice, best.scores.pair_dice))
    return f"{interval.mean:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]"


def _failures(results: Sequence[Result]) -> list[str]:
    notes = []
    for result in results:
        failed = {name: trial.failure for name, trial in result.trials.items() if trial.failure is not None}
        if failed:
            named = [f"{name} ({why})" for name, why in list(failed.items())[:_NAMED]]
            more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
            count = f"{len(failed)} of {len(result.trials)} pairs"
            notes.append(
                f"- {result.name} failed on {count}, which count as not registered: {', '.join(named)}{more}"
            )
    return notes
