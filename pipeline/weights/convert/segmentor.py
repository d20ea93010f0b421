"""`convert --segmentor FILE`: a segmentor of others into a bundle, read by what the file holds."""

import argparse
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pairs.errors import UsageError
from pipeline.config import SegmentorConfig, TaskConfig
from pipeline.configtypes import first_fault
from pipeline.regions.classes import region_of_classes
from pipeline.weights.bundle import Bundle, file_hash
from pipeline.weights.convert import meshnet, swinunetr
from pipeline.weights.convert.target import Target
from pipeline.weights.torchfile import read_state

__all__ = ["add_arguments", "convert"]

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `convert --segmentor`."""
    swinunetr.add_arguments(parser)
    parser.add_argument(
        "--class-labels",
        metavar="0,1,...",
        help="segmentor: the task's label of each class (default: as configured, else by the classes' names)",
    )


def convert(path: Path, target: Target, options: argparse.Namespace) -> Bundle:
    """A bundle with the segmentor only.

    Raises:
        UsageError: an option is missing or wrong, or class labels that are none.
        WeightsError: the checkpoint cannot be read, or does not fit what is said of it.
    """
    given = None if options.class_labels is None else _numbers(options.class_labels)
    state = read_state(path)
    reader = meshnet if meshnet.is_meshnet(state) else swinunetr
    config = _with_segmentor(target.config, reader.section(path, target, options, given))
    labels = config.segmentor.class_labels or ()
    region_of_classes(labels, target.regions)
    tensors = reader.fitting_state(state, config.segmentor, path)
    _log_classes(config.segmentor, reader.CLASSES, target.label_names)
    note = {"converted_from": path.name, "sha256": file_hash(path), "licence": options.licence}
    return Bundle(target.header(config, {"segmentor": note}), segmentor=tensors)


def _with_segmentor(config: TaskConfig, section: Mapping[str, Any]) -> TaskConfig:
    """The task's configuration with these settings of the segmentor in it."""
    try:
        return config.model_copy(update={"segmentor": SegmentorConfig.model_validate(section)})
    except ValidationError as error:
        fault = first_fault(error, SegmentorConfig)
        where = f"configuration field 'segmentor{'.' if fault.field else ''}{fault.field}'"
        raise UsageError(
            "wrong segmentor setting", where=where, expected=fault.expected, got=fault.got
        ) from error


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            "not a list of labels", where="--class-labels", expected="0,1,2", got=text
        ) from error


def _log_classes(config: SegmentorConfig, classes: tuple[str, ...], names: Mapping[int, str]) -> None:
    left = config.class_labels or ()
    known = classes if len(left) == len(classes) else [f"class {k}" for k in range(len(left))]
    for number, (label, right) in enumerate(zip(left, config.right_class_labels or left, strict=True)):
        meant = f"label {label} {names.get(label, 'background')}"
        if right != label:
            meant += f", on the right {right} {names[right]}"
        log.info("class %d %s: %s", number, known[number], meant)
