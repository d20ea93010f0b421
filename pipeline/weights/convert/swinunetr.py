"""MONAI's SwinUNETR weights, such as the public BTCV ones: their size, their input, and their classes."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pairs.errors import UsageError, WeightsError
from pairs.process.counting import first_few
from pipeline.config import SegmentorConfig
from pipeline.regions.networks import SWIN_FEATURES, build_network
from pipeline.typing import Tensor
from pipeline.weights.convert.names import labels_by_name
from pipeline.weights.convert.target import Target
from pipeline.weights.tensorfile import state_faults

__all__ = ["CLASSES", "add_arguments", "fitting_state", "section"]

CLASSES = (
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments for SwinUNETR alone."""
    parser.add_argument("--size", choices=tuple(SWIN_FEATURES), help="SwinUNETR: its size")
    parser.add_argument(
        "--merging",
        choices=("legacy", "current"),
        default="legacy",
        help="SwinUNETR: patch merging of the MONAI it was trained with, before 1.5 or since"
        " (default: %(default)s, as the public weights)",
    )


def section(
    path: Path, target: Target, options: argparse.Namespace, given: tuple[int, ...] | None
) -> dict[str, Any]:
    """The settings of the segmentor: the task's own where they are for a SwinUNETR, else BTCV's.

    Args:
        path: the checkpoint; all that is to be known of it is in the options.
        target: the task.
        options: `size` and `merging`.
        given: the user's label of each class.

    Raises:
        UsageError: no size.
    """
    if options.size is None:
        raise UsageError("no size given", where="--size", expected=f"one of {', '.join(SWIN_FEATURES)}")
    own = target.config.segmentor
    settings = (own if own.is_swin else SegmentorConfig.model_validate(BTCV_INPUT)).model_dump()
    labels = given or settings["class_labels"] or labels_by_name(target.label_names, CLASSES)
    return settings | {
        "network": f"swinunetr-{options.size}",
        "merging": options.merging,
        "class_labels": labels,
    }


def fitting_state(state: Mapping[str, Tensor], config: SegmentorConfig, path: Path) -> dict[str, Tensor]:
    """The checkpoint's tensors as the network has them, in its order and number types.

    Raises:
        WeightsError: they are not of this network; told with the size that they are of.
    """
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
    size, classes = config.network.removeprefix("swinunetr-"), len(config.class_labels or ())
    raise WeightsError(
        f"the checkpoint is no SwinUNETR of size {size} with {classes} classes",
        where=path,
        got=first_few(faults, 3),
        remedy=f"give --size {' or '.join(fits)}" if fits else "no size fits: another network or class count",
    )
