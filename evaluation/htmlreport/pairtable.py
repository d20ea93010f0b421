"""The pairs as rows of a table: what each is called, its numbers, and which of them is the hardest."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evaluation.htmlreport.appearance import Appearance
from evaluation.htmlreport.runrecord import PairRun
from evaluation.metrics.similarity import Similarity
from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.score import PairScore
from pairs.errors import KnownError

__all__ = ["Column", "PairNumbers", "Ranking", "columns_of", "numbers_of", "numbers_unseen", "ranking_of"]


@dataclass(frozen=True)
class PairNumbers:
    """The numbers of one pair.

    Attributes:
        score: Its scores.
        similarity: Of its images before and after registration.
        mean_mm: Mean displacement.
        longest_mm: Largest displacement.
        region_dice: Mean Dice of regions that stand in for labels, before and after; None without any.
        is_one_modality: Whether equal tissue is equally bright in both images.
        run: What is known of its registration.
        warnings: Of its files and of its registration.
    """

    score: PairScore
    similarity: tuple[Similarity, Similarity]
    mean_mm: float
    longest_mm: float
    region_dice: tuple[float, float] | None
    is_one_modality: bool
    run: PairRun | None
    warnings: tuple[str, ...]

    @property
    def is_folded(self) -> bool:
        """Whether a voxel of the field is folded."""
        return self.score.regularity.fold_fraction > 0


@dataclass(frozen=True)
class Column:
    """One number of every pair.

    Attributes:
        title: What it is, with its unit.
        value: The number of a pair; NaN where it has none.
        digits: After the point.
    """

    title: str
    value: Callable[[PairNumbers], float]
    digits: int


@dataclass(frozen=True)
class Ranking:
    """By what the pairs are ordered.

    Attributes:
        title: What the hardest pair has the lowest or the highest of.
        name: Of the number itself, for the axis of a plot.
        short: The same in a word or two.
        after: The number after registration.
        before: The number before; NaN where there is none.
        sign: 1 where low numbers are hard, -1 where high ones are.
    """

    title: str
    name: str
    short: str
    after: Callable[[PairNumbers], float]
    before: Callable[[PairNumbers], float]
    sign: int

    def ordered(self, pairs: Sequence[PairNumbers]) -> list[PairNumbers]:
        """Returns the pairs from the hardest on; those without a number come last."""
        return sorted(pairs, key=self._key)

    def _key(self, pair: PairNumbers) -> tuple[bool, float]:
        value = self.after(pair)
        return math.isnan(value), 0.0 if math.isnan(value) else self.sign * value

    def is_worse(self, pair: PairNumbers) -> bool:
        """Whether registration made a pair worse."""
        return self.sign * self.after(pair) < self.sign * self.before(pair)


def numbers_of(looks: Appearance, score: PairScore, run: PairRun | None) -> PairNumbers:
    """Returns the numbers of a pair."""
    return PairNumbers(
        score=score,
        similarity=looks.similarity,
        mean_mm=float(looks.length_mm.mean(dtype="float64")),
        longest_mm=float(looks.length_mm.max()),
        region_dice=None if looks.regions is None else looks.regions.mean_dice,
        is_one_modality=looks.is_one_modality,
        run=run,
        warnings=tuple(dict.fromkeys((*looks.warnings, *_told(run, score)))),
    )


def numbers_unseen(score: PairScore, run: PairRun | None, fault: KnownError) -> PairNumbers:
    """Returns the numbers of a pair whose images cannot be read, though its labels can."""
    unknown = Similarity(math.nan, math.nan)
    return PairNumbers(
        score=score,
        similarity=(unknown, unknown),
        mean_mm=math.nan,
        longest_mm=math.nan,
        region_dice=None,
        is_one_modality=True,
        run=run,
        warnings=(f"no pictures: {fault}", *_told(run, score)),
    )


def _told(run: PairRun | None, score: PairScore) -> tuple[str, ...]:
    return () if run is None else run.told_of(score.field)


def ranking_of(evaluation: Evaluation, pairs: Sequence[PairNumbers]) -> Ranking:
    """Chooses what the pairs are ordered by: Dice, else the error of points, else how alike the images are.

    Not by regions in place of labels: where they guided the registration, they fit by construction.
    """
    for metric, sign, words in (("dice", 1, "lowest"), ("tre", -1, "highest")):
        method = next((one for one in evaluation.methods if one.metric == metric), None)
        if method is not None:
            return Ranking(
                f"{words} {method.name} after registration",
                f"mean {method.name} after registration{', mm' if metric == 'tre' else ''}",
                method.name,
                _of_score(method.name, before=False),
                _of_score(method.name, before=True),
                sign,
            )
    if all(pair.is_one_modality for pair in pairs):
        return Ranking(
            "lowest correlation of the images after registration",
            "correlation of the images after registration",
            "correlation",
            lambda pair: pair.similarity[1].correlation,
            lambda pair: pair.similarity[0].correlation,
            1,
        )
    return Ranking(
        "lowest mutual information of the images after registration",
        "mutual information of the images after registration, nats",
        "mutual information",
        lambda pair: pair.similarity[1].mutual_information,
        lambda pair: pair.similarity[0].mutual_information,
        1,
    )


def _dice(pair: PairNumbers, side: int) -> float:
    return math.nan if pair.region_dice is None else pair.region_dice[side]


def columns_of(evaluation: Evaluation, pairs: Sequence[PairNumbers]) -> list[Column]:
    """Returns the columns of the table that some pair has a number in."""
    columns = []
    for method in evaluation.methods:
        name = method.name
        digits, unit = {"dice": (3, ""), "hd95": (2, ", voxels"), "tre": (2, ", mm")}.get(
            method.metric, (3, "")
        )
        if method.metric == "sdlogj":
            continue
        columns += [
            Column(f"{name} before{unit}", _of_score(name, before=True), digits),
            Column(f"{name} after{unit}", _of_score(name, before=False), digits),
        ]
    columns += [
        Column("Dice of regions before", lambda pair: _dice(pair, 0), 3),
        Column("Dice of regions after", lambda pair: _dice(pair, 1), 3),
        Column("Correlation before", lambda pair: pair.similarity[0].correlation, 3),
        Column("Correlation after", lambda pair: pair.similarity[1].correlation, 3),
        Column("SDlogJ", lambda pair: pair.score.regularity.sdlogj, 3),
        Column("Folded, %", lambda pair: 100 * pair.score.regularity.fold_fraction, 3),
        Column("Largest, mm", lambda pair: pair.longest_mm, 1),
        Column("Time, s", lambda pair: math.nan if pair.run is None else pair.run.seconds, 1),
    ]
    return [one for one in columns if any(not math.isnan(one.value(pair)) for pair in pairs)]


def _of_score(name: str, *, before: bool) -> Callable[[PairNumbers], float]:
    return lambda pair: (pair.score.before if before else pair.score.after)[name].mean
