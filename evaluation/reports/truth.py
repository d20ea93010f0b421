"""The true numbers: regularity without the official offset, distances in mm, Dice30, lost labels."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from evaluation.reports.aggregate import Summary, structure_rows, summarise, summarise_method
from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.score import PairScore, Score, StructureScore

__all__ = ["PairTruth", "dice30", "pair_truth", "score_entry", "summary_entry", "true_document", "truths"]

# All numbers of PairTruth are better when smaller: the quantile is taken at the worse end.
_QUANTILE = 0.7


@dataclass(frozen=True)
class PairTruth:
    """The true numbers of one pair.

    Attributes:
        sdlogj_plain: Standard deviation of log J, without the official offset.
        fold_fraction: Share of voxels with a Jacobian determinant of at most 0.
        ndv_fraction: Non-diffeomorphic volume as a share of the volume.
        hd95_mm: Mean HD95 over the labels in both images, in mm of the fixed image.
        assd_mm: Mean average symmetric surface distance over the same labels, in mm.
    """

    sdlogj_plain: float
    fold_fraction: float
    ndv_fraction: float
    hd95_mm: float
    assd_mm: float


def pair_truth(score: PairScore) -> PairTruth:
    """Returns the true numbers of a pair; NaN where no label is in both images."""
    return PairTruth(
        sdlogj_plain=score.regularity.sdlogj_plain,
        fold_fraction=score.regularity.fold_fraction,
        ndv_fraction=score.regularity.ndv_fraction,
        hd95_mm=_known_mean(structure.hd95_mm for structure in score.structures),
        assd_mm=_known_mean(structure.assd_mm for structure in score.structures),
    )


def _known_mean(values: Iterable[float]) -> float:
    return summarise(values, skip_nan=True).mean


def truths(scores: Sequence[PairScore]) -> dict[str, Summary]:
    """Summarises each number of `PairTruth` over the pairs that have it, standard deviation of ddof 0."""
    rows = [asdict(pair_truth(score)) for score in scores]
    return {
        name: summarise((row[name] for row in rows), _QUANTILE, skip_nan=True)
        for name in PairTruth.__dataclass_fields__
    }


def dice30(scores: Iterable[PairScore]) -> float:
    """Returns the mean Dice after registration of the hardest 30 % of all (pair, label) entries.

    Hard is what overlaps least before registration (the ranking's Dice30). Entries
    whose label is not in both images do not count; 30 % is rounded to at least one entry, and of equal
    initial values the earlier pair and label is taken.

    Returns:
        NaN where no pair has a label in both images.
    """
    shared = [one for score in scores for one in score.structures if not one.presence.startswith("absent")]
    hardest = sorted(shared, key=lambda one: one.dice_before)[: max(1, round(0.3 * len(shared)))]
    return summarise(one.dice for one in hardest).mean


def score_entry(score: Score) -> dict[str, object]:
    """Lays out a value as evaluator 2.0 does."""
    detailed = list(score.detailed) if isinstance(score.detailed, tuple) else score.detailed
    return {"mean": score.mean, "detailed": detailed}


def summary_entry(summary: Summary) -> dict[str, float]:
    """Lays out a summary as the official evaluators do."""
    return {"mean": summary.mean, "std": summary.std, "30": summary.quantile}


def _counts(structures: Sequence[StructureScore]) -> dict[str, int]:
    """Counts the labels that could be compared, that an image lacks, and that the warp lost."""
    absent = sum(one.presence.startswith("absent") for one in structures)
    lost = sum(one.presence == "lost" for one in structures)
    return {"compared": len(structures) - absent, "absent": absent, "lost": lost}


def _true_case(score: PairScore, *, after: bool) -> dict[str, object]:
    case: dict[str, object] = {"pair": score.name, "field": score.field.name, "profile": score.profile}
    case |= asdict(pair_truth(score)) | {"labels": _counts(score.structures)}
    case["before"] = {name: score_entry(value) for name, value in score.before.items()}
    if after:
        case["after"] = {name: score_entry(value) for name, value in score.after.items()}
    return case | {"structures": [asdict(structure) for structure in score.structures]}


def _label_entry(evaluation: Evaluation, label: int) -> dict[str, object]:
    entries = [one for score in evaluation.scores for one in score.structures if one.label == label]
    return {
        "label": label,
        "name": evaluation.label_names.get(label),
        **_counts(entries),
        "hd95_mm": _known_mean(one.hd95_mm for one in entries),
        "assd_mm": _known_mean(one.assd_mm for one in entries),
    }


def _true_aggregates(evaluation: Evaluation) -> dict[str, object]:
    summaries = truths(evaluation.scores)
    labels = dict.fromkeys(one.label for score in evaluation.scores for one in score.structures)
    before = {
        method.name: summary_entry(summary)
        for method in evaluation.methods
        if (summary := summarise_method(evaluation, method, before=True)) is not None
    }
    structures = {
        method.name: [
            asdict(row) | {"name": evaluation.label_names.get(row.label)}
            for row in structure_rows(evaluation, method.name)
        ]
        for method in evaluation.methods
        if method.labels
    }
    return {
        **{name: summary_entry(summary) for name, summary in summaries.items()},
        "dice30": dice30(evaluation.scores),
        "labels": [_label_entry(evaluation, label) for label in labels],
        "before": before,
        "structures": structures,
    }


def true_document(evaluation: Evaluation, case_names: Sequence[str]) -> dict[str, object]:
    """Lays out what the official evaluators do not compute, for the key `true` of the JSON.

    The official cases of 2020 and 2021 have no values of single labels and no TRE: these are here, under
    `after`.

    Args:
        evaluation: The evaluation.
        case_names: Names of the pairs in the official part; each case also has its full name.
    """
    early = evaluation.evaluator.early
    failed = {name: str(error) for name, error in evaluation.failures.items()}
    return {
        "name": evaluation.name,
        "evaluator": evaluation.evaluator.name,
        "unread_profiles": list(evaluation.unread),
        "aggregates": _true_aggregates(evaluation),
        "cases": {
            name: _true_case(score, after=early)
            for name, score in zip(case_names, evaluation.scores, strict=True)
        },
        # Only where there are any: they are in no mean.
        **({"failed": failed} if failed else {}),
    }
