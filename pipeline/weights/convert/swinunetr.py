"""`convert --segmentor FILE`: MONAI's SwinUNETR weights, such as the public BTCV ones, into a bundle."""

import argparse
import logging
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from pairs.errors import UsageError, WeightsError
from pairs.process.counting import first_few
from pipeline.config import SegmentorConfig, TaskConfig
from pipeline.configtypes import first_fault
from pipeline.regions.classes import region_of_classes
from pipeline.regions.networks import SWIN_FEATURES, build_network
from pipeline.typing import Tensor
from pipeline.weights.bundle import Bundle, file_hash
from pipeline.weights.convert.target import Target
from pipeline.weights.tensorfile import state_faults
from pipeline.weights.torchfile import read_state

__all__ = ["BTCV_CLASSES", "add_arguments", "class_labels_by_name", "convert"]

log = logging.getLogger(__name__)

BTCV_CLASSES = (
    "background",
    "spleen",
    "right kidney",
    "left kidney",
    "gallbladder",
    "esophagus",
    "liver",
    "stomach",
    "aorta",
    "inferior vena cava",
    "portal vein and splenic vein",
    "pancreas",
    "right adrenal gland",
    "left adrenal gland",
)
"""Class k of MONAI's BTCV weights; AbdomenCTCT has the last two the other way round."""
BTCV_INPUT = {
    "roi": (96, 96, 96),
    "intensity": {"kind": "window", "low": -175, "high": 250},
    "orientation": "RAS",
    "spacing_mm": (1.5, 1.5, 2.0),
}
"""What the public weights were trained on, unless the configuration says."""

_LEFT_OUT = {"and", "gland", "vein", "veins", "the"}
_OTHER_SPELLINGS = {"oesophagus": "esophagus", "ivc": "inferiorvenacava", "postcava": "inferiorvenacava"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `convert --segmentor`."""
    parser.add_argument("--size", choices=tuple(SWIN_FEATURES), help="segmentor: size of the SwinUNETR")
    parser.add_argument(
        "--merging",
        choices=("legacy", "current"),
        default="legacy",
        help="segmentor: patch merging of the MONAI it was trained with, before 1.5 or since"
        " (default: %(default)s, as the public weights)",
    )
    parser.add_argument(
        "--class-labels",
        metavar="0,1,...",
        help="segmentor: the task's label of each class (default: as configured, else BTCV's by name)",
    )


def convert(path: Path, target: Target, options: argparse.Namespace) -> Bundle:
    """A bundle with the segmentor only.

    Raises:
        UsageError: no size, or class labels that are none.
        WeightsError: the checkpoint cannot be read, or does not fit the size.
    """
    if options.size is None:
        raise UsageError("no size given", where="--size", expected=f"one of {', '.join(SWIN_FEATURES)}")
    config = _configured(target, options)
    labels = config.segmentor.class_labels or ()
    region_of_classes(labels, target.regions)
    state = _fitting_state(path, config.segmentor, options.size)
    _log_classes(labels, target.label_names)
    note = {"converted_from": path.name, "sha256": file_hash(path), "licence": options.licence}
    return Bundle(target.header(config, {"segmentor": note}), segmentor=state)


def class_labels_by_name(names: Mapping[int, str]) -> tuple[int, ...]:
    """The task's label of each BTCV class, 0 for organs that the task does not name.

    Args:
        names: of the task's labels; case, blanks, hyphens and the words vein and gland do not count.
    """
    labels = {_key(name): label for label, name in names.items()}
    return (0, *(labels.get(_key(name), 0) for name in BTCV_CLASSES[1:]))


def _key(name: str) -> str:
    words = [word for word in re.split(r"[\W_]+", name.casefold()) if word not in _LEFT_OUT]
    joined = "".join(words)
    return _OTHER_SPELLINGS.get(joined, joined)


def _configured(target: Target, options: argparse.Namespace) -> TaskConfig:
    """The task's configuration with this segmentor in it."""
    config = target.config
    section = config.segmentor.model_dump()
    if not config.segmentor.is_swin:
        section = SegmentorConfig.model_validate(BTCV_INPUT).model_dump()
    if options.class_labels is not None:
        section["class_labels"] = _numbers(options.class_labels)
    elif section["class_labels"] is None:
        section["class_labels"] = class_labels_by_name(target.label_names)
    section |= {"network": f"swinunetr-{options.size}", "merging": options.merging}
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


def _fitting_state(path: Path, config: SegmentorConfig, size: str) -> dict[str, Tensor]:
    """The checkpoint's tensors as the network has them, in its order and number types."""
    state = read_state(path)
    network = build_network(config, 2)
    faults = state_faults(state, network.state_dict())
    if not faults:
        network.load_state_dict(state)
        return network.state_dict()
    others = (config.model_copy(update={"network": f"swinunetr-{other}"}) for other in SWIN_FEATURES)
    fits = [
        other.network.removeprefix("swinunetr-")
        for other in others
        if other.network != config.network and not state_faults(state, build_network(other, 2).state_dict())
    ]
    classes = len(config.class_labels or ())
    raise WeightsError(
        f"the checkpoint is no SwinUNETR of size {size} with {classes} classes",
        where=path,
        got=first_few(faults, 3),
        remedy=f"give --size {' or '.join(fits)}" if fits else "no size fits: another network or class count",
    )


def _log_classes(labels: tuple[int, ...], names: Mapping[int, str]) -> None:
    known = BTCV_CLASSES if len(labels) == len(BTCV_CLASSES) else [f"class {k}" for k in range(len(labels))]
    for number, label in enumerate(labels):
        log.info("class %d %s: label %d %s", number, known[number], label, names.get(label, "background"))
