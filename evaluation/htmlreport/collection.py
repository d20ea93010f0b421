"""All pairs of a task, each read, measured and drawn, in the order in which the page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluation.htmlreport.appearance import Appearance, PairReader
from evaluation.htmlreport.folders import without_folders
from evaluation.htmlreport.pairpage import PairPage
from evaluation.htmlreport.pairtable import PairNumbers, Ranking, numbers_of, numbers_unseen, ranking_of
from evaluation.htmlreport.pairview import PairView, view_of
from evaluation.htmlreport.runrecord import Run
from evaluation.htmlreport.structuretable import StructureNumbers, of_labels, of_regions
from evaluation.metrics.spread import Spread
from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.score import PairScore
from evaluation.scoring.workers import score_all
from pairs.errors import DisplacementError, VolumeError
from pairs.tasks.pair import Pair

__all__ = ["Collection", "collect"]

_LABELS = "labels of the task"


@dataclass(frozen=True)
class Collection:
    """The pairs that could be scored.

    Attributes:
        ranking: By what they are ordered.
        pages: The pairs from the hardest on.
        labels: The labels that are outlined.
    """

    ranking: Ranking
    pages: Sequence[PairPage]
    labels: Sequence[int]


@dataclass(frozen=True)
class _Seen:
    """One pair, read once."""

    numbers: PairNumbers
    structures: Sequence[StructureNumbers]
    origin: str
    view: PairView | None


def collect(
    evaluation: Evaluation, reader: PairReader, run: Run | None, pictures: int, jobs: int
) -> Collection:
    """Reads the pairs and draws the hardest.

    Args:
        evaluation: Their scores.
        reader: Of the pairs.
        run: What is known of their registration.
        pictures: How many of them are drawn.
        jobs: Number of threads.

    Raises:
        KeyboardInterrupt: On SIGINT and SIGTERM.
    """
    pairs = {pair.name: pair for pair in reader.task.pairs}
    labels = _labels(evaluation, reader)
    # The order is known once all are measured: of many pairs, the hardest are read a second time to be drawn.
    draws_all = len(evaluation.scores) <= pictures

    def measured(score: PairScore, _: Spread) -> _Seen:
        return _seen(evaluation, reader, run, pairs[score.name], score, labels if draws_all else None)

    seen = {one.numbers.score.name: one for one in score_all(measured, evaluation.scores, jobs, "drawing")}
    numbers = [one.numbers for one in seen.values()]
    ranking = ranking_of(evaluation, numbers)
    ordered = ranking.ordered(numbers)
    if not draws_all:
        chosen = [one.score for one in ordered[:pictures]]

        def drawn(score: PairScore, _: Spread) -> _Seen:
            return _seen(evaluation, reader, run, pairs[score.name], score, labels)

        seen |= {one.numbers.score.name: one for one in score_all(drawn, chosen, jobs, "drawing")}
    pages = [_page(rank, seen[one.score.name]) for rank, one in enumerate(ordered, start=1)]
    return Collection(ranking, pages, labels)


def _labels(evaluation: Evaluation, reader: PairReader) -> Sequence[int]:
    """The labels of the first metric that has any; else those of the regions."""
    scored = next((method.labels for method in evaluation.methods if method.labels), ())
    if scored or reader.maps is None:
        return [label for label in scored if label > 0]
    return [label for label in reader.maps.names if label > 0]


def _seen(
    evaluation: Evaluation,
    reader: PairReader,
    run: Run | None,
    pair: Pair,
    score: PairScore,
    drawn: Sequence[int] | None,
) -> _Seen:
    """Reads a pair; without `drawn`, the labels to outline, it gets no pictures."""
    record = None if run is None else run.of_pair(pair.name)
    try:
        looks = reader.read(pair, score)
    except (DisplacementError, VolumeError) as fault:
        numbers = _shortened(numbers_unseen(score, record, fault), reader)
        return _Seen(numbers, of_labels(evaluation, score), _LABELS, None)
    structures, origin = _structures(evaluation, reader, score, looks)
    view = None if drawn is None else view_of(looks, drawn, is_folded=score.regularity.fold_fraction > 0)
    return _Seen(_shortened(numbers_of(looks, score, record), reader), structures, origin, view)


def _shortened(numbers: PairNumbers, reader: PairReader) -> PairNumbers:
    return replace(
        numbers, warnings=tuple(without_folders(text, reader.folders) for text in numbers.warnings)
    )


def _structures(
    evaluation: Evaluation, reader: PairReader, score: PairScore, looks: Appearance
) -> tuple[Sequence[StructureNumbers], str]:
    if looks.regions is not None and reader.maps is not None:
        return of_regions(looks.regions, reader.maps.names), f"{reader.maps.origin}; no ground truth"
    return of_labels(evaluation, score), _LABELS


def _page(rank: int, seen: _Seen) -> PairPage:
    return PairPage(rank, seen.numbers, seen.view, seen.structures, seen.origin)
