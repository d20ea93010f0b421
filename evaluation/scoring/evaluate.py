"""Evaluation of all displacement fields of a task."""

import contextlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.scoring.byworkers import score_by_workers
from evaluation.scoring.case import FieldReader, read_field
from evaluation.scoring.evaluator import Evaluator, evaluator_for
from evaluation.scoring.faults import task_error
from evaluation.scoring.groundtruth import read_grid
from evaluation.scoring.journal import Journal
from evaluation.scoring.methods import methods_of
from evaluation.scoring.pairscoring import PairScoring
from evaluation.scoring.score import PairScore
from evaluation.scoring.workers import score_all
from evaluation.submission.survey import preferred_fields
from pairs.errors import DisplacementError, KnownError, VolumeError
from pairs.fields.displacement import find_field
from pairs.fields.fieldfile import field_layout
from pairs.process.cores import thread_count
from pairs.tasks.evaluation_config import EvaluationConfig, Method
from pairs.tasks.task import Task

if TYPE_CHECKING:
    from cluster.engine import Engine

__all__ = ["Evaluation", "evaluate_task"]

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
    engine: "Callable[[], AbstractContextManager[Engine]] | None" = None,
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
        engine: Opens the connection to the workers of a cluster; None scores in this process.

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
    own = reader is _own_field
    run = PairScoring(fields, methods, config, chosen, reader, own, Journal(journal), preferred)
    if engine is None:
        results = score_all(run.score, task.pairs, jobs or thread_count())
    else:
        results = score_by_workers(engine, run, task.pairs)
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
