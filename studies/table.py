"""A table of the paper: its rows, what the paper says of each, and what was measured here."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev

from pairs.errors import UsageError
from studies.process import NoFigure
from studies.scores import PairScores, Scores
from studies.setting import Setting
from studies.trial import Trial
from studies.variant import Variant

__all__ = [
    "ABDOMEN",
    "BRAIN",
    "PROMPTS",
    "SEGMENTORS",
    "UNKNOWN",
    "Published",
    "Result",
    "Row",
    "measure",
    "require_rows",
]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Published:
    """What the paper prints of a row; None is not printed, or not known to this project.

    Attributes:
        dice: In percent.
        hd95: As printed.
        sdlogj: Official.
    """

    dice: float | None = None
    hd95: float | None = None
    sdlogj: float | None = None


UNKNOWN = Published()
BRAIN = {"initial": Published(57.18, 3.83), "textSCF": Published(90.05, 1.22, 0.39)}
"""OASIS; with label maps as regions."""
ABDOMEN = {
    "initial": Published(30.86, 29.77),
    "LKU-Net": Published(50.32, 20.20, 0.35),
    "textSCF": Published(60.75, 22.44, 0.87),
}
"""Abdominal CT."""
PROMPTS = (51.56, 59.05, 59.33, 60.17, 60.61, 60.01, 60.75, 57.63)
"""Dice of rows 0 to 7 of Table 1."""
SEGMENTORS = {
    "manual labels": (100.0, 74.73),
    "base": (77.92, 60.75),
    "small": (74.96, None),
    "tiny": (63.35, None),
}
"""Dice of the segmentor, and of the registration with it."""


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        label: Its name in the report.
        variant: What is trained; None for the images as they are, and where `missing` says why.
        published: The paper's figures.
        against: Label of the row that it is tested against, pair by pair.
        notes: What of it is not as in the paper, besides what its configuration shows.
        missing: Why it cannot be run here.
        columns: Further cells, by column title.
    """

    label: str
    variant: Variant | None = None
    published: Published = UNKNOWN
    against: str | None = None
    notes: tuple[str, ...] = ()
    missing: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_initial(self) -> bool:
        """Whether it is the images as they are."""
        return self.variant is None and self.missing is None


@dataclass(frozen=True)
class Result:
    """A row and the scores of its trainings, in the order of the seeds."""

    row: Row
    scores: tuple[Scores, ...] = ()

    def mean(self, figure: Callable[[Scores], float]) -> float:
        """Mean over the seeds."""
        return fmean(figure(one) for one in self.scores)

    def pairs(self, figure: Callable[[PairScores], float]) -> dict[str, float]:
        """Of each pair the mean over the seeds."""
        names = self.scores[0].pairs
        return {name: fmean(figure(one.pairs[name]) for one in self.scores) for name in names}

    @property
    def seed_spread(self) -> float | None:
        """Standard deviation of the mean Dice over the seeds; None of fewer than two."""
        return stdev(one.dice for one in self.scores) if len(self.scores) > 1 else None


def measure(
    setting: Setting, rows: Sequence[Row], so_far: Callable[[Sequence[Result]], object]
) -> tuple[list[Result], list[NoFigure]]:
    """Train and score all rows; every row gets its first seed before any gets its second.

    Args:
        setting: What they share.
        rows: In the order of the table.
        so_far: Called with all results after each scoring.

    Returns:
        Results in the order of `rows`, and what went wrong.

    Raises:
        Stopped: A signal came; the next call goes on from there.
    """
    found: dict[str, list[Scores]] = {row.label: [] for row in rows}
    faults: list[NoFigure] = []
    trained = _with_vectors(setting, rows, faults)
    count = len(trained) * setting.seeds
    for seed in range(setting.seeds):
        for row, variant in trained:
            try:
                scores = Trial(setting, variant, seed, setting.share / count).scores()
            except NoFigure as fault:
                faults.append(fault)
                log.warning("%s, seed %d: %s", row.label, seed, fault)
                continue
            found[row.label].append(scores)
            done = sum(map(len, found.values()))
            log.info("%s, seed %d: Dice %.4f (%d of %d)", row.label, seed, scores.dice, done, count)
            so_far([Result(one, tuple(found[one.label])) for one in rows])
    return [Result(row, tuple(found[row.label])) for row in rows], faults


def _with_vectors(setting: Setting, rows: Sequence[Row], faults: list[NoFigure]) -> list[tuple[Row, Variant]]:
    """The rows to train; those whose text vectors cannot be made fail before anything is trained."""
    ready = []
    for row in rows:
        if row.variant is None:
            continue
        try:
            setting.vectors_of(row.variant)
            ready.append((row, row.variant))
        except NoFigure as fault:
            faults.append(fault)
            log.warning("%s: %s", row.label, fault)
    return ready


def require_rows(rows: Sequence[Row], only: Sequence[str] | None) -> list[Row]:
    """The rows that were asked for, and those without a training.

    Raises:
        UsageError: A name is not that of a row.
    """
    if only is None:
        return list(rows)
    known = [row.label for row in rows]
    unknown = [label for label in only if label not in known]
    if unknown:
        raise UsageError("argument --only", expected=f"some of {', '.join(map(repr, known))}", got=unknown)
    return [row for row in rows if row.label in only or row.variant is None]
