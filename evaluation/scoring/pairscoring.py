"""Pairs from their files to their scores, with what all pairs of an evaluation have in common."""

import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from evaluation.metrics.spread import Spread
from evaluation.scoring.case import Case, FieldReader, load_case, truth_files
from evaluation.scoring.evaluator import Evaluator
from evaluation.scoring.groundtruth import read_grid
from evaluation.scoring.journal import Journal, fingerprint
from evaluation.scoring.score import PairScore, score_pair
from pairs.errors import DisplacementError, KnownError, VolumeError
from pairs.fields.displacement import find_field, read_displacement
from pairs.tasks.evaluation_config import EvaluationConfig, Method
from pairs.tasks.task import Pair

__all__ = ["PairScoring"]

log = logging.getLogger(__name__)


@dataclass
class PairScoring:
    """What is the same for all pairs, and the warnings that were logged.

    Attributes:
        fields: Folder of displacement fields.
        methods: The metrics.
        config: The official configuration; None without one.
        evaluator: Whose formulas are used.
        reader: How a field is read.
        is_own: Whether it reads the profiles of the challenge, so that it is known which file it takes.
        journal: Finished pairs.
        preferred: The files of pairs that have several, by their names.
    """

    fields: Path
    methods: tuple[Method, ...]
    config: EvaluationConfig | None
    evaluator: Evaluator
    reader: FieldReader
    is_own: bool
    journal: Journal
    preferred: Mapping[str, Path]
    logged: set[str] = field(default_factory=set)

    @property
    def _masked(self) -> bool:
        return self.config is not None and self.config.masked and self.evaluator.masked

    def kept(self, pair: Pair) -> PairScore | None:
        """Returns the score of a pair that the journal has; None where it has none."""
        with contextlib.suppress(DisplacementError, VolumeError):
            key = self._key(pair, None)
            return None if key is None else self.journal.find(key, self.field_of(pair))
        return None

    def score(self, pair: Pair, spread: Spread) -> PairScore | KnownError:
        """Scores a pair, or returns its fault."""
        try:
            key = self._key(pair, None)
            kept = None if key is None else self.journal.find(key, self.field_of(pair))
            if kept is not None:
                return kept
            case = self._load(pair)
        except (DisplacementError, VolumeError) as error:
            return error
        # Pairs share label maps: a warning about one is logged once.
        for warning in (one for one in case.warnings if one not in self.logged):
            self.logged.add(warning)
            log.warning("%s: %s", pair.name, warning)
        return self._scored(case, key, spread)

    def _scored(self, case: Case, key: str | None, spread: Spread) -> PairScore:
        key = key or self._key(case.pair, case)
        kept = None if key is None else self.journal.find(key, case.field.path)
        if kept is not None:
            return kept
        score = score_pair(case, self.methods, self.evaluator, spread=spread)
        if key is not None:
            self.journal.add(key, score)
        return score

    def field_of(self, pair: Pair) -> Path:
        """Returns the file of a pair, which is the preferred one where there are several.

        Raises:
            DisplacementError: If there is none.
        """
        return self.preferred.get(pair.name) or find_field(self.fields, pair)

    def _load(self, pair: Pair) -> Case:
        shape = None if self.config is None else self.config.expected_shape
        reader = self.reader
        if pair.name in self.preferred:
            path = self.preferred[pair.name]
            reader = lambda _folder, _pair, fixed, _moving: read_displacement(path, fixed.shape)  # noqa: E731
        return load_case(
            pair, self.fields, self.methods, reader=reader, masked=self._masked, expected_shape=shape
        )

    def _key(self, pair: Pair, case: Case | None) -> str | None:
        """Returns the fingerprint of all that decides the scores of a pair; None without a journal.

        It is not known which files another reader reads: its fingerprint is that of the displacement, and
        None before the case is read.
        """
        if not self.journal.wanted or (case is None and not self.is_own):
            return None
        fixed, moving = read_grid(pair.fixed), read_grid(pair.moving)
        shape = None if self.config is None else self.config.expected_shape
        settings = (pair.name, self.evaluator, self.methods, self._masked, shape)
        grids = (fixed.shape, fixed.spacing_mm, moving.shape, moving.spacing_mm)
        truth = truth_files(pair, self.methods, masked=self._masked)
        content: Path | np.ndarray
        if case is None:
            content = self.field_of(pair)
        else:
            content = np.ascontiguousarray(np.moveaxis(case.field.displacement, -1, 0))
        # A file that cannot be read is reported when the pair is loaded.
        with contextlib.suppress(OSError):
            return fingerprint((*settings, *grids), (content, *truth))
        return None
