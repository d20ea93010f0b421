"""A stopped evaluation goes on where it was, and only with scores of the very same inputs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.scoring.case import Case, FieldReader, read_field
from evaluation.scoring.evaluate import Evaluation, evaluate_task
from evaluation.scoring.evaluator import EVALUATORS
from evaluation.scoring.score import PairScore, score_pair
from pairs.fields.displacement import ReadField, write_displacement
from pairs.fields.profile import PROFILES
from pairs.images.volume import Header, write_volume
from pairs.tasks.evaluation_config import parse_evaluation_config
from pairs.tasks.task import Pair, Task, label_path

FieldsOf = Callable[[Task, float], Path]


def _interrupted_after(number: int) -> FieldReader:
    """A reader of the challenge's own fields that a signal stops after some pairs."""
    read: list[Path] = []

    def reader(folder: Path, pair: Pair, fixed: Header, moving: Header) -> ReadField:
        if len(read) == number:
            raise KeyboardInterrupt
        field = read_field(folder, pair, fixed, moving)
        read.append(field.path)
        return field

    return reader


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the pairs that are scored from now on."""
    scored: list[str] = []

    def counting(case: Case, *arguments: Any, **named: Any) -> PairScore:  # noqa: ANN401
        scored.append(case.pair.name)
        return score_pair(case, *arguments, **named)

    monkeypatch.setattr("evaluation.scoring.pairscoring.score_pair", counting)
    return scored


def _with_journal(task: Task, fields: Path, journal: Path, reader: FieldReader | None = None) -> Evaluation:
    return evaluate_task(task, fields, journal=journal, jobs=1, read_field=reader)


def test_a_stopped_run_goes_on_where_it_was(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields, journal = fields_of(tiny_task, 1.0), tmp_path / "a.journal"
    monkeypatch.setattr("evaluation.scoring.evaluate._own_field", _interrupted_after(2))
    with pytest.raises(KeyboardInterrupt):
        _with_journal(tiny_task, fields, journal)
    monkeypatch.setattr("evaluation.scoring.evaluate._own_field", read_field)
    assert len(journal.read_text().splitlines()) == 2
    scored = _counted(monkeypatch)
    evaluation = _with_journal(tiny_task, fields, journal)
    assert scored == [tiny_task.pairs[2].name]
    assert evaluation.scores == evaluate_task(tiny_task, fields).scores


def test_another_readers_fields_are_known_by_their_displacement(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields, journal = fields_of(tiny_task, 1.0), tmp_path / "a.journal"
    # One reading more than pairs scored: the first field also tells the profile.
    with pytest.raises(KeyboardInterrupt):
        _with_journal(tiny_task, fields, journal, _interrupted_after(3))
    scored = _counted(monkeypatch)
    _with_journal(tiny_task, fields, journal, _interrupted_after(99))
    assert scored == [tiny_task.pairs[2].name]


@pytest.mark.parametrize("changed", ["field", "labels", "methods", "evaluator", "image"])
def test_scores_of_other_inputs_are_not_taken(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    fields, journal = fields_of(tiny_task, 1.0), tmp_path / "a.journal"
    _with_journal(tiny_task, fields, journal)
    pair, config, evaluator = tiny_task.pairs[0], None, None
    if changed == "field":
        write_displacement(fields, pair, np.zeros((14, 12, 16, 3)), PROFILES["l2r2022"])
    elif changed == "labels":
        write_volume(label_path(pair.moving), np.ones((14, 12, 16), dtype=np.uint8), np.eye(4))
    elif changed == "image":
        # The label map, whose header is decisive here, stays: only the image gets another voxel size.
        write_volume(pair.moving, np.ones((14, 12, 16), dtype=np.uint8), np.diag((1.0, 1.0, 1.0 + 1e-4, 1.0)))
    elif changed == "methods":
        methods = [{"name": "S", "metric": "sdlogj"}]
        config = parse_evaluation_config({"evaluation_methods": methods, "eval_pairs": []}, tmp_path)
    else:
        evaluator = EVALUATORS["2020"]
    scored = _counted(monkeypatch)
    evaluate_task(tiny_task, fields, config, evaluator=evaluator, journal=journal, jobs=1)
    assert scored[0] == pair.name
    assert len(scored) == (1 if changed in ("field", "labels", "image") else 3)


def test_faults_keep_the_finished_pairs(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields, journal = fields_of(tiny_task, 1.0), tmp_path / "a.journal"
    last = sorted(fields.iterdir())[2]
    whole = last.read_bytes()
    last.write_bytes(whole[:-8])
    _with_journal(tiny_task, fields, journal)
    assert journal.exists()
    last.write_bytes(whole)
    scored = _counted(monkeypatch)
    _with_journal(tiny_task, fields, journal)
    assert len(scored) == 1
