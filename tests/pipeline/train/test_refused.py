"""What `train` refuses before any image is read: one line, and nothing is written or overwritten."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.text.table import make_table, write_table
from pipeline.train import loop
from pipeline.train.checkpoint import HEADER_KEY
from pipeline.weights.bundle import Bundle, write_bundle
from pipeline.weights.tensorfile import read_own, write_tensors

__all__: list[str] = []

pytestmark = pytest.mark.slow

Refused = Callable[..., None]
Train = Callable[..., int]
BACKBONES = "one of fouriernet, lapirn, lkunet, transmorph-base, transmorph-large, transmorph-small"


@pytest.fixture
def words(tiny_task: Path, config: Path, segmentor: Path, embedding: Path) -> tuple[object, ...]:
    """The arguments of a registration that could be trained, were the images not emptied."""
    for folder in ("imagesTr", "labelsTr"):
        for image in (tiny_task / folder).iterdir():
            image.write_bytes(b"")
    parts = ("--segmentor", segmentor, "--embedding", embedding, "--device", "cpu")
    return ("train", "registration", "--task", tiny_task, "--config", config, *parts)


def change(path: Path, section: str, **fields: object) -> None:
    document = json.loads(path.read_text())
    document[section] = fields if section == "labels" else document[section] | fields
    path.write_text(json.dumps(document))


def test_the_empty_images_are_all_that_is_wrong(refused: Refused, words: tuple[object, ...]) -> None:
    """Without this the tests below could not tell that no image was read."""
    refused(1, "volume is empty", *words)


@pytest.mark.parametrize(
    ("section", "fields", "sentence"),
    [
        ("registration", {"backbone": "lkunot"}, f"{BACKBONES}"),
        ("registration", {"bakbone": "lkunet"}, "one of the fields orientation, spacing_mm, backbone"),
        ("registration", {"backbone": "lapirn", "decoder_stride": 2}, "expected 1 with lapirn, got 2"),
        (
            "registration",
            {"backbone": "fouriernet", "decoder_stride": 2},
            "expected 1 with fouriernet",
        ),
        ("registration", {"decoder_stride": 4}, "expected 1 or 2, got 4"),
        ("registration", {"window": [3, 3, 4]}, "the backbones transmorph-tiny"),
        ("registration", {"backbone": "transmorph-tiny", "window": [3, 3]}, "registration.window.2"),
        ("registration", {"backbone": "transmorph-tiny", "window": [300] * 3}, "too large to be trained"),
        ("registration", {"start_channels": 0}, "expected greater than 0, got 0"),
        ("registration", {"start_channels": 100_000}, "too large to be trained here: lkunet on cpu"),
        ("registration", {"mlp_width": 10_000_000}, "too large to be trained"),
        ("registration", {"head": "txt"}, "'text', 'coordinates' or 'plain', got 'txt'"),
        ("registration_training", {"crop": [16, 0, 16]}, "expected greater than 0, got 0"),
        ("registration_training", {"stages": [2, 2]}, "expected 1 of them that add up to 4 steps"),
        ("segmentor", {"roi": [31, 32, 32]}, "multiples of 2, and not all just 2, for the U-Net"),
        ("segmentor", {"network": "nnunet"}, "'unet', 'plainunet', 'swinunetr-base', 'swinunetr-small', "),
        ("labels", {"4": " "}, "'labels.4'"),
    ],
)
def test_a_configuration(
    refused: Refused,
    words: tuple[object, ...],
    config: Path,
    section: str,
    fields: dict[str, object],
    sentence: str,
) -> None:
    change(config, section, **fields)
    refused(2, sentence, *words)


def test_a_segmentor_that_is_a_meshnet(refused: Refused, words: tuple[object, ...], config: Path) -> None:
    change(config, "segmentor", network="meshnet", meshnet={})
    refused(2, "a MeshNet is not trained here", words[0], "segmentor", *words[2:6], "--device", "cpu")


def test_a_segmentor_for_a_backbone_that_there_is_not(
    refused: Refused, words: tuple[object, ...], config: Path
) -> None:
    change(config, "registration", backbone="lkunot")
    refused(2, BACKBONES, words[0], "segmentor", *words[2:6], "--device", "cpu")


@pytest.mark.parametrize("network", ["segmentor", "registration"])
@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ({"1": "left bean", "4": ""}, "label 4; expected a printable name, got ''"),
        ({"1": "left bean", "4": None}, "labels.0.4: expected text; got None"),
        ({}, "the task names no labels: TinyMR; fill `labels`"),
    ],
)
def test_a_label_without_a_name(
    refused: Refused,
    words: tuple[object, ...],
    tiny_task: Path,
    network: str,
    labels: dict[str, Any],
    sentence: str,
) -> None:
    path = tiny_task / "TinyMR_dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"labels": {"0": labels}}))
    refused(2, sentence, words[0], network, *words[2:])


@pytest.mark.parametrize("labels", [(0, 1, 2), (0, 1)])
def test_text_vectors_for_other_labels(
    refused: Refused, words: tuple[object, ...], tmp_path: Path, labels: tuple[int, ...]
) -> None:
    names = ("background", "a", "b")[: len(labels)]
    path = tmp_path / "other.safetensors"
    write_table(path, make_table(torch.randn(len(labels), 6), names, labels, "random", "prompt"))
    sentence = f"expected (0, 1, 4), got {labels}; write them with `embed`"
    refused(4, sentence, *words, "--embedding", path)


def test_a_segmentor_for_other_labels_or_of_other_tensors(
    refused: Refused, words: tuple[object, ...], tiny_bundle: Bundle, tmp_path: Path
) -> None:
    path = tmp_path / "other.safetensors"
    header = tiny_bundle.header.model_copy(update={"regions": (0, 1, 2)})
    write_bundle(path, Bundle(header, segmentor=tiny_bundle.segmentor))
    refused(
        4, "expected (0, 1, 4) of TinyMR, got (0, 1, 2); train one for this task", *words, "--segmentor", path
    )
    first = next(iter(tiny_bundle.segmentor))
    state = tiny_bundle.segmentor | {first: torch.zeros(1)}
    write_bundle(path, replace(tiny_bundle, segmentor=state, registration={}))
    refused(4, f"{path}; got {first} of shape (1,) in place of", *words, "--segmentor", path)


@pytest.fixture
def begun(train: Train, refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkpoint of a training that was stopped after its first step."""
    with monkeypatch.context() as during:
        during.setattr(loop, "stop_requested", lambda: True)
        assert train("registration", tmp_path / "results" / "a.safetensors") == 75
    return tmp_path / "results" / "a.checkpoint.safetensors"


@pytest.mark.parametrize(
    ("fields", "network"),
    [
        ({"backbone": "voxelmorph"}, "registration"),
        ({"start_channels": 3}, "registration"),
        ({}, "segmentor"),
    ],
)
def test_a_checkpoint_of_another_architecture_or_training(
    refused: Refused,
    begun: Path,
    words: tuple[object, ...],
    config: Path,
    fields: dict[str, object],
    network: str,
) -> None:
    change(config, "registration", **fields)
    refused(4, f"another training or configuration: {begun}", words[0], network, *words[2:])


@pytest.mark.parametrize("content", [b"", b"nothing of the kind"])
def test_a_damaged_checkpoint(
    refused: Refused, begun: Path, words: tuple[object, ...], content: bytes
) -> None:
    begun.write_bytes(content)
    refused(4, f"cannot read: {begun}", *words)


def test_a_checkpoint_of_other_tensors(
    refused: Refused, begun: Path, train: Train, tiny_task: Path, tmp_path: Path
) -> None:
    """Its fingerprint fits, so that it is found out only when the network is there."""
    file = read_own(begun, HEADER_KEY)
    tensors = {name: value for name, value in file.tensors.items() if ".stem." not in name}
    write_tensors(begun, tensors, HEADER_KEY, json.loads(file.header))
    words = ("--config", tmp_path / "config.json", "--segmentor", tmp_path / "segmentor.safetensors")
    words += ("--embedding", tmp_path / "embedding.safetensors", "--device", "cpu")
    sentence = "no tensor backbone.stem.0.0.weight, no tensor backbone.stem.0.0.bias, no tensor"
    refused(4, sentence, "train", "registration", "--task", tiny_task, *words)
