"""The official evaluator's configuration, in all versions of its form."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pairs.errors import TaskError
from pairs.files.document import field_faults, read_document
from pairs.images.header import MAX_VOXELS

__all__ = ["EvalPair", "EvaluationConfig", "Method", "parse_evaluation_config", "read_evaluation_config"]

Metric = Literal["dice", "hd95", "sdlogj", "tre", "ndv"]
Label = Annotated[int, Field(ge=0, le=65535, strict=True)]

# Version 0.1 had no metric names in the file; these are the ones its evaluator wrote.
_V01_NAMES: dict[str, tuple[str, Metric]] = {
    "sdlogj": ("LogJacDetStd", "sdlogj"),
    "dice": ("DiceCoefficient", "dice"),
    "dice_secret": ("DiceCoefficient_Secret", "dice"),
    "hd95": ("HausdorffDistance95", "hd95"),
    "hd95_secret": ("HausdorffDistance95_Secret", "hd95"),
    "tre": ("TRE", "tre"),
}


class Method(BaseModel):
    """One metric of the evaluation.

    Attributes:
        name: The metric's name in the results.
        metric: What is computed.
        labels: Label ids of `dice` and `hd95`.
        dest: Folder word of the points of `tre`, "keypoints" or "landmarks".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    metric: Metric
    labels: tuple[Label, ...] = ()
    dest: str | None = Field(default=None, pattern=r"^\w+$", max_length=60)


class EvalPair(BaseModel):
    """One pair as the file writes it: two path texts, not yet checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fixed: str
    moving: str


class EvaluationConfig(BaseModel):
    """The configuration in one form, whichever version the file had.

    Attributes:
        task_name: Name of the task.
        methods: The metrics in the order of the file.
        expected_shape: (X, Y, Z) of every field, without the component axis.
        eval_pairs: The pairs, path texts unchecked.
        version: Version of the form, as text.
        masked: Whether SDlogJ is restricted to the mask of the fixed image.
        warnings: Keys that this program does not know.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task_name: str
    methods: tuple[Method, ...]
    expected_shape: tuple[int, int, int] | None
    eval_pairs: tuple[EvalPair, ...]
    version: str
    masked: bool
    warnings: tuple[str, ...] = ()


def _methods_of_v01(value: object) -> object:
    """Turns the dict form of version 0.1 into the list form of the later ones."""
    if not isinstance(value, dict):
        return value
    methods: list[dict[str, object]] = []
    for key, setting in value.items():
        if setting is False:
            continue
        name, metric = _V01_NAMES.get(key, (key, key))
        method: dict[str, object] = {"name": name, "metric": metric}
        if metric in ("dice", "hd95"):
            method["labels"] = setting
        if metric == "tre":
            method["dest"] = "landmarks"
        methods.append(method)
    return methods


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


class _Document(BaseModel):
    """The file itself, all versions."""

    model_config = ConfigDict(extra="allow")

    task_name: str | None = None
    name: str | None = None
    evaluation_methods: Annotated[list[Method], BeforeValidator(_methods_of_v01)] = Field(min_length=1)
    expected_shape: list[Annotated[int, Field(gt=0, le=MAX_VOXELS, strict=True)]] | None = Field(
        default=None, min_length=3, max_length=4
    )
    eval_pairs: list[EvalPair]
    eval_config_version: Annotated[str, BeforeValidator(_as_text)] = "0.0"
    masked_evaluation: bool = Field(default=False, strict=True)


def read_evaluation_config(path: Path) -> EvaluationConfig:
    """Reads a configuration of version 0.1 (methods as a dict), 0.2, 0.3 or LUMIR (`name` for `task_name`).

    Raises:
        TaskError: If the file cannot be read or has faults; all of them are reported at once.
    """
    return parse_evaluation_config(read_document(path), path)


def parse_evaluation_config(document: object, where: Path) -> EvaluationConfig:
    """Checks a configuration that is already parsed; see `read_evaluation_config`."""
    try:
        form = _Document.model_validate(document)
    except ValidationError as error:
        raise TaskError.collect(where, field_faults(error)) from error
    faults = _meaning_faults(form)
    if faults:
        raise TaskError.collect(where, faults)
    unknown: dict[str, Any] = form.model_extra or {}
    shape = form.expected_shape
    return EvaluationConfig(
        task_name=form.task_name or form.name or where.name.split("_")[0],
        methods=tuple(form.evaluation_methods),
        expected_shape=None if shape is None else (shape[0], shape[1], shape[2]),
        eval_pairs=tuple(form.eval_pairs),
        version=form.eval_config_version,
        masked=form.masked_evaluation,
        warnings=tuple(f"unknown key {key!r} ignored" for key in unknown),
    )


def _meaning_faults(form: _Document) -> list[str]:
    """Returns what is well-formed and still cannot be evaluated."""
    faults = []
    if form.expected_shape is not None and form.expected_shape[3:] not in ([], [3]):
        faults.append(f"expected_shape[3]: expected 3 components, got {form.expected_shape[3]}")
    seen: set[str] = set()
    for index, method in enumerate(form.evaluation_methods):
        where = f"evaluation_methods[{index}]"
        if method.name in seen:
            # Results are kept by name, so a second method of one name would overwrite the first.
            faults.append(f"{where}.name: {method.name!r} is used twice; metric names must be unique")
        seen.add(method.name)
        if method.metric in ("dice", "hd95") and not method.labels:
            faults.append(f"{where}.labels: {method.metric} needs at least one label id")
        if method.metric == "tre" and method.dest is None:
            faults.append(f"{where}.dest: tre needs the folder word of its points, such as 'keypoints'")
    return faults
