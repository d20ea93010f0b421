"""brainchop's MeshNet: the layers of its `model.json`, its input, and its classes without sides."""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from pairs.errors import UsageError, WeightsError
from pairs.files.document import field_faults, read_document
from pairs.process.counting import first_few
from pipeline.config import SegmentorConfig
from pipeline.regions.networks import outline
from pipeline.regions.sides import sided_labels
from pipeline.typing import Tensor
from pipeline.weights.convert.names import labels_by_name
from pipeline.weights.convert.target import Target
from pipeline.weights.tensorfile import state_faults

__all__ = ["CLASSES", "fitting_state", "is_meshnet", "section"]

CLASSES = (
    "background",
    "cerebral white matter",
    "cerebral cortex",
    "lateral ventricle",
    "inferior lateral ventricle",
    "cerebellum white matter",
    "cerebellum cortex",
    "thalamus",
    "caudate",
    "putamen",
    "pallidum",
    "3rd ventricle",
    "4th ventricle",
    "brain stem",
    "hippocampus",
    "amygdala",
    "accumbens",
    "ventral dc",
)
"""Of the model `subcortical`, in which left and right are one."""
MESHNET_INPUT = {
    "intensity": {"kind": "percentile", "low": 2, "high": 98, "of": "all"},
    "orientation": "LIA",
    "spacing_mm": (1.0, 1.0, 1.0),
}
"""FreeSurfer's conform, which the published weights were trained on, unless the configuration says."""

_NAME = re.compile(r"model\.\d+\.(weight|bias)")


class _Layer(BaseModel):
    """One convolution, as `model.json` has it; what else is said of it does not matter here."""

    in_channels: int
    out_channels: int
    kernel_size: Literal[1, 3]
    padding: int
    stride: Literal[1]
    dilation: int


class _Layout(BaseModel):
    """All of `model.json` that says what the network computes."""

    layers: list[_Layer]
    bnorm: Literal[False] = False
    elu: bool = False
    gelu: bool = False


def is_meshnet(state: Mapping[str, Tensor]) -> bool:
    """Whether tensors have the names of brainchop's files."""
    return "model.0.weight" in state and all(_NAME.fullmatch(name) for name in state)


def section(
    path: Path, target: Target, options: argparse.Namespace, given: tuple[int, ...] | None
) -> dict[str, Any]:
    """The settings of the segmentor: the layers, the published input, and what the classes mean.

    Args:
        path: the weights; `model.json` lies beside `model.pth`.
        target: the task.
        options: those of SwinUNETR must not be among them.
        given: the user's label of each class.

    Raises:
        UsageError: a size was given, or labels that are not one a class, or none for unknown classes.
        WeightsError: there is no `model.json`, or it describes another network.
    """
    if options.size is not None:
        raise UsageError("--size is for SwinUNETR", got=f"a MeshNet: {path}", remedy="leave it out")
    layout = _read_layout(path.with_suffix(".json"))
    own, classes = target.config.segmentor, layout.layers[-1].out_channels
    settings = own.model_dump() if own.meshnet is not None else SegmentorConfig().model_dump() | MESHNET_INPUT
    labels = given or settings["class_labels"]
    if labels is None and classes == len(CLASSES):
        labels = _by_name(target.label_names)
    if labels is None or len(labels) != classes:
        raise UsageError(
            "the task's label of each class is needed",
            where="--class-labels",
            expected=f"{classes} numbers, as many as {path} has classes",
            got="none" if labels is None else len(labels),
        )
    meshnet = {
        "channels": layout.layers[0].out_channels,
        "dilations": [layer.dilation for layer in layout.layers[:-1]],
        "activation": "gelu" if layout.gelu else "elu" if layout.elu else "relu",
    }
    right = _on_the_right(labels, target.label_names)
    return settings | {
        "network": "meshnet",
        "meshnet": meshnet,
        "class_labels": labels,
        "right_class_labels": None if right == labels else right,
    }


def fitting_state(state: Mapping[str, Tensor], config: SegmentorConfig, path: Path) -> dict[str, Tensor]:
    """The tensors in the network's order.

    Raises:
        WeightsError: they do not fit `model.json`.
    """
    expected = outline(config, 0).state_dict()
    faults = state_faults(state, expected)
    if faults:
        raise WeightsError(
            "the weights do not fit their model.json",
            where=path,
            got=first_few(faults, 3),
            remedy="take both files from one folder",
        )
    return {name: state[name].float() for name in expected}


def _by_name(names: Mapping[int, str]) -> tuple[int, ...]:
    """The task's label of each published class, the left one where it has two."""
    alone = labels_by_name(names, CLASSES)
    left = labels_by_name(names, [f"left {name}" for name in CLASSES])
    return tuple(one or other for one, other in zip(alone, left, strict=True))


def _on_the_right(labels: tuple[int, ...], names: Mapping[int, str]) -> tuple[int, ...]:
    """What classes are on the right: a class of the left, where no class is of the right, is of both."""
    pairs = {left: right for left, right in sided_labels(names).values() if right not in labels}
    return tuple(pairs.get(label, label) for label in labels)


def _read_layout(path: Path) -> _Layout:
    if not path.is_file():
        raise WeightsError(
            "no description of the layers beside a MeshNet's weights",
            where=path,
            remedy="put brainchop's model.json there, under this name",
        )
    try:
        layout = _Layout.model_validate(read_document(path))
    except ValidationError as error:
        faults = first_few(field_faults(error), 1)
        raise WeightsError("not a MeshNet that can be read here", where=path, got=faults) from error
    chain = layout.layers[:-1]
    if not chain or layout.layers[-1].kernel_size != 1:
        raise WeightsError("not a MeshNet", where=path, expected="3x3x3 convolutions, then one of 1x1x1")
    if any(one.kernel_size != 3 or one.padding != one.dilation for one in chain):
        raise WeightsError(
            "not a MeshNet", where=path, expected="3x3x3 convolutions that are padded by their dilation"
        )
    return layout
