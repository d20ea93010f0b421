"""Evaluation of all displacement fields of a task."""

import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from evaluation.metrics.spread import Spread
from evaluation.scoring.case import Case, FieldReader, load_case, read_field, truth_files
from evaluation.scoring.evaluator import Evaluator, evaluator_for
from evaluation.scoring.faults import task_error
from evaluation.scoring.groundtruth import read_grid
from evaluation.scoring.journal import Journal, fingerprint
from evaluation.scoring.methods import methods_of
from evaluation.scoring.score import PairScore, score_pair
from evaluation.scoring.workers import score_all
from evaluation.submission.survey import preferred_fields
from pairs.errors import DisplacementError, KnownError, VolumeError
from pairs.fields.displacement import find_field, read_displacement
from pairs.fields.fieldfile import field_layout
from pairs.process.cores import thread_count
from pairs.tasks.evaluation_config import EvaluationConfig, Method
from pairs.tasks.task import Pair, Task

__all__ = ["Evaluation", "evaluate_task"]

log = logging.getLogger(__name__)
_own_field = read_field


@dataclass(frozen=True)
class Evaluation:
    """The scores of a task.

    Attributes:
        name: Name of the task.
        evaluator: Whose formulas and names were used.
        methods: The metrics that were computed.
        label_names: Names of the structures; a label may lack one.
        scores: One entry for each pair that could be scored, in the order of the task.
        failures: What was wrong with each of the others, by the name of the pair.
    """

    name: str
    evaluator: Evaluator
    methods: tuple[Method, ...]
    label_names: Mapping[int, str]
    scores: tuple[PairScore, ...]
    failures: Mapping[str, KnownError] = field(default_factory=dict)

    @property
    def unread(self) -> tuple[str, ...]:
        """Profiles of fields that were scored although the official evaluator does not read them."""
        return self.evaluator.unread(score.profile for score in self.scores)


def evaluate_task(
    task: Task,
    fields: Path,
    config: EvaluationConfig | None = None,
    *,
    evaluator: Evaluator | None = None,
    read_field: FieldReader | None = None,
    journal: Path | None = None,
    jobs: int | None = None,
) -> Evaluation:
    """Scores the fields of all pairs of a task; a pair that cannot be scored does not stop the others.

    Args:
        task: The task; its pairs are those of `config` where one is given.
        fields: Folder of displacement fields.
        config: The official evaluation configuration; without it the three official metrics are computed.
        evaluator: Whose formulas and names to use; None takes the one that fits the profiles of the fields.
        read_field: How to read a field; None reads the challenge's own profiles.
        journal: File in which finished pairs are kept while the evaluation runs; with it a run that was
            killed can continue. The caller removes it when the scores are safe.
        jobs: Number of threads; None takes `thread_count()`. The numbers do not depend on it.

    Raises:
        DisplacementError: If no pair has a field that can be read.
        VolumeError: If no pair can be scored, and ground truth is missing, damaged or of another shape.
        UsageError: If no evaluator is given and the fields are made for different ones.
        OutputError: If the journal cannot be used.
        KeyboardInterrupt: On SIGINT and SIGTERM; the journal stays.

    Examples:
        Two images with the same label map, and a field that moves nothing:

        >>> import json
        >>> import numpy as np
        >>> from pairs.fields.displacement import PROFILES, write_displacement
        >>> from pairs.images.volume import write_volume
        >>> from pairs.tasks.task import read_task
        >>> names = [f"Toy_000{number}_0000.nii.gz" for number in (1, 2)]
        >>> labels = np.zeros((12, 12, 12), np.uint8)
        >>> labels[3:9, 3:9, 3:9] = 1
        >>> for name in names:
        ...     for folder in ("imagesTr", "labelsTr"):
        ...         Path(folder).mkdir(exist_ok=True)
        ...         write_volume(Path(folder, name), labels, np.eye(4))
        >>> pair = {"fixed": f"./imagesTr/{names[0]}", "moving": f"./imagesTr/{names[1]}"}
        >>> document = {"name": "Toy", "labels": {"0": {"1": "liver"}}, "registration_val": [pair]}
        >>> _ = Path("Toy_dataset.json").write_text(json.dumps(document))
        >>> task = read_task(Path())
        >>> displacement = np.zeros((12, 12, 12, 3), np.float32)
        >>> _ = write_displacement(Path(), task.pairs[0], displacement, PROFILES["l2r2022"])
        >>> evaluation = evaluate_task(task, Path(), jobs=1)
        >>> evaluation.scores[0].after["DSC"].mean
        1.0

    References:
        Hering et al., Learn2Reg, https://arxiv.org/abs/2112.04489
    """
    reader = _own_field if read_field is None else read_field
    preferred = preferred_fields(task, fields) if reader is _own_field else {}
    chosen = evaluator or evaluator_for(_profiles(task, fields, reader, preferred))
    methods = methods_of(task, config, chosen)
    run = _Run(fields, methods, config, chosen, reader, Journal(journal), preferred)
    results = score_all(run.score, task.pairs, jobs or thread_count())
    scores = tuple(result for result in results if isinstance(result, PairScore))
    outcomes = zip(task.pairs, results, strict=True)
    failures = {pair.name: result for pair, result in outcomes if isinstance(result, KnownError)}
    if not scores:
        raise task_error(tuple(failures.values()), fields, task.pairs)
    name = task.name if config is None else config.task_name
    return Evaluation(name, chosen, run.methods, task.label_names, scores, failures)


def _profiles(task: Task, fields: Path, reader: FieldReader, preferred: Mapping[str, Path]) -> set[str]:
    """Names the profiles of the fields by their headers; by the first field where another reader is used.

    Fields that cannot be recognised are left out: loading their pairs reports them.
    """
    found = set()
    for pair in task.pairs if reader is _own_field else task.pairs[:1]:
        with contextlib.suppress(DisplacementError, VolumeError):
            if reader is _own_field:
                path = preferred.get(pair.name) or find_field(fields, pair)
                found.add(field_layout(path, read_grid(pair.fixed).shape).profile.name)
            else:
                grids = read_grid(pair.fixed), read_grid(pair.moving)
                found.add(reader(fields, pair, *grids).profile.name)
    return found


@dataclass
class _Run:
    """What is the same for all pairs, and the warnings that were logged."""

    fields: Path
    methods: tuple[Method, ...]
    config: EvaluationConfig | None
    evaluator: Evaluator
    reader: FieldReader
    journal: Journal
    preferred: Mapping[str, Path]
    logged: set[str] = field(default_factory=set)

    @property
    def _masked(self) -> bool:
        return self.config is not None and self.config.masked and self.evaluator.masked

    def score(self, pair: Pair, spread: Spread) -> PairScore | KnownError:
        """Scores a pair, or returns its fault."""
        try:
            key = self._key(pair, None)
            kept = None if key is None else self.journal.find(key, self._field(pair))
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

    def _field(self, pair: Pair) -> Path:
        """Returns the file of a pair, which is the preferred one where there are several."""
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
        if not self.journal.wanted or (case is None and self.reader is not _own_field):
            return None
        fixed, moving = read_grid(pair.fixed), read_grid(pair.moving)
        shape = None if self.config is None else self.config.expected_shape
        settings = (pair.name, self.evaluator, self.methods, self._masked, shape)
        grids = (fixed.shape, fixed.spacing_mm, moving.shape, moving.spacing_mm)
        truth = truth_files(pair, self.methods, masked=self._masked)
        content: Path | np.ndarray
        if case is None:
            content = self._field(pair)
        else:
            content = np.ascontiguousarray(np.moveaxis(case.field.displacement, -1, 0))
        # A file that cannot be read is reported when the pair is loaded.
        with contextlib.suppress(OSError):
            return fingerprint((*settings, *grids), (content, *truth))
        return None
