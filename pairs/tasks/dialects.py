"""Tells the forms of pair lists apart and reads each into a `TaskForm`."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from pairs.errors import TaskError
from pairs.files.document import field_faults, read_document
from pairs.tasks.csvlist import parse_csv
from pairs.tasks.dataset_json import parse_dataset
from pairs.tasks.evaluation_config import EvalPair, parse_evaluation_config
from pairs.tasks.psma_json import parse_psma
from pairs.tasks.taskform import PairText, TaskForm

__all__ = ["read_form"]

# Keys that say which pairs to register; a file that fills two of these groups contradicts itself.
_PAIR_KEYS = (
    ("eval_pairs",),
    ("registration_val", "registration_test"),
    ("validation",),
    ("validation_paired",),
    ("pairs",),
)
_DATASET_KEYS = ("registration_val", "registration_test", "validation", "training")
_PSMA_KEYS = ("validation_paired", "training_paired", "training_unpaired")
_TABLES = (".csv", ".tsv", ".txt")
_PLAIN_LIST = TypeAdapter(list[EvalPair])


def read_form(path: Path) -> TaskForm:
    """Reads a pair list or dataset description in any dialect of the challenge.

    The dialects are the dataset JSON of 2022 and later, that of LUMIR and of PSMAReg, the evaluation
    configuration, a plain JSON list of {fixed, moving}, and the CSV files of 2020/21 (ids) and 2022 (paths).

    Raises:
        TaskError: If the file cannot be read or is in no known dialect. Dataset faults stay in the form.
    """
    if path.suffix.lower() in _TABLES:
        return parse_csv(path)
    document = read_document(path)
    if isinstance(document, list):
        return _plain_form(document, path)
    if not isinstance(document, dict):
        expected = "a JSON object or a list of {fixed, moving}"
        raise TaskError("not a pair list", where=path, expected=expected, got=type(document).__name__)
    _refuse_two_lists(document, path)
    if "eval_pairs" in document:
        return _config_form(document, path)
    if any(key in document for key in _PSMA_KEYS):
        return parse_psma(document)
    if any(key in document for key in _DATASET_KEYS):
        return parse_dataset(document)
    expected = (
        "one of the keys registration_val, registration_test, validation, validation_paired, eval_pairs"
    )
    raise TaskError(
        "no pair list found", where=path, expected=expected, got=f"the keys {', '.join(list(document)[:10])}"
    )


def _refuse_two_lists(document: Mapping[str, object], path: Path) -> None:
    filled = ["/".join(key for key in keys if document.get(key)) for keys in _PAIR_KEYS]
    filled = [keys for keys in filled if keys]
    if len(filled) > 1:
        raise TaskError(
            "two pair lists in one file", where=path, got=" and ".join(filled), remedy="keep one of them"
        )


def _plain_form(document: list[object], path: Path) -> TaskForm:
    try:
        entries = _PLAIN_LIST.validate_python(document)
    except ValidationError as error:
        raise TaskError.collect(path, field_faults(error)) from error
    return TaskForm(
        pairs=tuple(PairText(pair.fixed, pair.moving, f"[{i}]") for i, pair in enumerate(entries))
    )


def _config_form(document: Mapping[str, object], path: Path) -> TaskForm:
    config = parse_evaluation_config(document, path)
    return TaskForm(
        name=config.task_name,
        pairs=tuple(
            PairText(pair.fixed, pair.moving, f"eval_pairs[{i}]") for i, pair in enumerate(config.eval_pairs)
        ),
        shapes={} if config.expected_shape is None else {0: config.expected_shape},
        warnings=config.warnings,
    )
