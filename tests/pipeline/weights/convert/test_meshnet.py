"""`convert --segmentor` with brainchop's files: layers, classes and sides, and what does not fit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from pipeline.config import SegmentorConfig
from pipeline.regions.config import MeshNetConfig
from pipeline.regions.networks import build_network
from pipeline.weights.bundle import read_bundle
from pipeline.weights.convert.meshnet import CLASSES
from textscf.program import main

__all__: list[str] = []

Refused = Callable[..., None]
LAYERS = MeshNetConfig(channels=3, dilations=(1, 2, 1), activation="elu")


def layer(before: int, after: int, kernel: int, dilation: int) -> dict[str, int]:
    padding = dilation if kernel == 3 else 0
    sizes = {"in_channels": before, "out_channels": after, "kernel_size": kernel}
    return sizes | {"padding": padding, "stride": 1, "dilation": dilation}


def layout(**more: object) -> dict[str, Any]:
    chain = [layer(1, 3, 3, 1), layer(3, 3, 3, 2), layer(3, 3, 3, 1), layer(3, 18, 1, 1)]
    return {"header": "a model", "dropout_p": 0, "bnorm": False, "elu": True, "layers": chain} | more


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    config = SegmentorConfig(network="meshnet", meshnet=LAYERS)
    return {name: torch.rand_like(value) for name, value in build_network(config, 18).state_dict().items()}


@pytest.fixture
def weights(tmp_path: Path, state: dict[str, torch.Tensor]) -> Path:
    """A safetensors file in spite of its name, and the layers beside it, as brainchop has them."""
    save_file(state, tmp_path / "model.pth")
    (tmp_path / "model.json").write_text(json.dumps(layout()))
    return tmp_path / "model.pth"


def convert(weights: Path, *arguments: object) -> int:
    out = weights.with_name("out.safetensors")
    return main([str(word) for word in ("convert", "--segmentor", weights, "--out", out, *arguments)])


def test_the_published_files_become_a_segmentor_of_oasis(
    weights: Path, state: dict[str, torch.Tensor]
) -> None:
    assert convert(weights, "--task", "OASIS", "--licence", "MIT") == 0
    bundle = read_bundle(weights.with_name("out.safetensors"))
    section = bundle.header.config.segmentor
    assert (section.network, section.meshnet) == ("meshnet", LAYERS)
    assert (section.orientation, section.spacing_mm) == ("LIA", (1, 1, 1))
    assert section.intensity is not None
    assert (section.intensity.low, section.intensity.high, section.intensity.of) == (2, 98, "all")
    assert section.class_labels == tuple(range(18))
    assert section.right_class_labels == (0, *range(20, 30), 11, 12, 13, 30, 31, 32, 33)
    assert bundle.header.training["segmentor"]["licence"] == "MIT"
    assert bundle.segmentor.keys() == state.keys()
    assert all(torch.equal(bundle.segmentor[name], value) for name, value in state.items())
    assert bundle.build_segmentor(torch.device("cpu")).classes.depend_on_the_side


@pytest.mark.parametrize(("flags", "activation"), [({"elu": False}, "relu"), ({"gelu": True}, "gelu")])
def test_the_nonlinearity_is_that_of_the_description(
    weights: Path, flags: dict[str, bool], activation: str
) -> None:
    weights.with_suffix(".json").write_text(json.dumps(layout(**flags)))
    assert convert(weights, "--task", "OASIS") == 0
    section = read_bundle(weights.with_name("out.safetensors")).header.config.segmentor
    assert section.meshnet is not None
    assert section.meshnet.activation == activation


def test_classes_that_have_sides_keep_them(weights: Path) -> None:
    """Of two classes for left and right, neither is of both sides; a third is."""
    labels = [0] * 18
    labels[1:4] = [1, 20, 2]
    assert convert(weights, "--task", "OASIS", "--class-labels", ",".join(map(str, labels))) == 0
    section = read_bundle(weights.with_name("out.safetensors")).header.config.segmentor
    assert section.class_labels == tuple(labels)
    assert section.right_class_labels == (0, 1, 20, 21, *[0] * 14)


def test_names_of_the_classes_are_known_in_other_spellings(weights: Path, tiny_task: Path) -> None:
    path = tiny_task / "TinyMR_dataset.json"
    names = {"1": "Left-Thalamus-Proper", "4": "right_thalamus_proper", "5": "Left-Inf-Lat-Vent"}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"labels": {"0": names}}))
    assert convert(weights, "--task", tiny_task) == 0
    section = read_bundle(weights.with_name("out.safetensors")).header.config.segmentor
    assert section.class_labels is not None
    assert section.right_class_labels is not None
    place, other = CLASSES.index("thalamus"), CLASSES.index("inferior lateral ventricle")
    assert (section.class_labels[place], section.right_class_labels[place]) == (1, 4)
    assert (section.class_labels[other], section.right_class_labels[other]) == (5, 5)


@pytest.mark.parametrize(
    ("code", "sentence", "content"),
    [
        (4, "no description of the layers", None),
        (2, "not valid JSON", "{"),
        (4, "layers: is missing", "{}"),
        (4, "not a MeshNet: ", json.dumps(layout(layers=[]))),
        (4, "bnorm", json.dumps(layout(bnorm=True))),
        (
            4,
            "padded by their dilation",
            json.dumps(layout(layers=[layer(1, 3, 3, 1) | {"padding": 0}, layer(3, 18, 1, 1)])),
        ),
        (
            4,
            "model.4.weight of shape (3, 3, 3, 3, 3) in place of (18, 3, 1, 1, 1)",
            json.dumps(layout(layers=[layer(1, 3, 3, 1), layer(3, 3, 3, 2), layer(3, 18, 1, 1)])),
        ),
        (
            4,
            "model.0.weight of shape (3, 1, 3, 3, 3) in place of (5, 1, 3, 3, 3)",
            json.dumps(layout(layers=[layer(1, 5, 3, 1), layer(5, 18, 1, 1)])),
        ),
        (
            2,
            "'segmentor.meshnet.channels'",
            json.dumps(layout(layers=[layer(1, 10**9, 3, 1), layer(10**9, 18, 1, 1)])),
        ),
        (2, "expected 7 numbers", json.dumps(layout(layers=[layer(1, 3, 3, 1), layer(3, 7, 1, 1)]))),
    ],
)
def test_another_description(
    refused: Refused, weights: Path, code: int, sentence: str, content: str | None
) -> None:
    if content is None:
        weights.with_suffix(".json").unlink()
    else:
        weights.with_suffix(".json").write_text(content)
    refused(code, sentence, "convert", "--segmentor", weights, "--task", "OASIS")


@pytest.mark.parametrize(
    ("sentence", "arguments"),
    [
        ("--size is for SwinUNETR", ("--size", "tiny")),
        ("expected 18 numbers", ("--class-labels", "0,1,2")),
    ],
)
def test_wrong_options(refused: Refused, weights: Path, sentence: str, arguments: tuple[str, ...]) -> None:
    refused(2, sentence, "convert", "--segmentor", weights, "--task", "OASIS", *arguments)


def test_weights_with_nan(refused: Refused, weights: Path, state: dict[str, torch.Tensor]) -> None:
    state["model.2.bias"][1] = torch.nan
    save_file(state, weights)
    refused(4, "model.2.bias with NaN", "convert", "--segmentor", weights, "--task", "OASIS")
