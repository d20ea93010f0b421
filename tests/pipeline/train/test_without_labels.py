"""A task without labels: trained with the Dice weight 0, on the background's filter, and predicted."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.config import TaskConfig
from pipeline.predict.report import read_report
from pipeline.weights.bundle import read_bundle
from textscf.program import main

__all__: list[str] = []

pytestmark = pytest.mark.slow


@pytest.fixture
def unlabelled(tiny_task: Path) -> Path:
    """As LungCT: two images a subject, of modality 0 and 1, and nothing said about labels."""
    shutil.rmtree(tiny_task / "labelsTr")
    path = tiny_task / "TinyMR_dataset.json"
    document = json.loads(path.read_text())
    document["labels"] = {"0": {}}
    document["training"] = [{"image": entry["image"]} for entry in document["training"]]
    for entry in list(document["training"]):
        other = entry["image"].replace("_0000.nii.gz", "_0001.nii.gz")
        shutil.copy(tiny_task / entry["image"], tiny_task / other)
        document["training"].append({"image": other})
    for pair in document["registration_val"]:
        pair["moving"] = pair["fixed"].replace("_0000.nii.gz", "_0001.nii.gz")
    path.write_text(json.dumps(document))
    return tiny_task


@pytest.fixture
def config(tiny_config: TaskConfig, tmp_path: Path) -> Callable[..., Path]:
    def write(**training: object) -> Path:
        settings = tiny_config.model_dump(mode="json")
        settings["registration_training"] |= {"dice": 0, "pairs": "within-subject", "steps": 2} | training
        path = tmp_path / "config.json"
        path.write_text(json.dumps(settings))
        return path

    return write


def train(task: Path, config: Path, out: Path, *more: object) -> int:
    words = ["train", "registration", "--task", task, "--config", config, "--out", out, "--device", "cpu"]
    return main([str(word) for word in (*words, *more)])


@pytest.mark.parametrize("head", ["text", "plain"])
def test_it_is_trained_and_predicted(
    unlabelled: Path, config: Callable[..., Path], tmp_path: Path, head: str
) -> None:
    out, fields = tmp_path / "out" / "weights.safetensors", tmp_path / "fields"
    assert train(unlabelled, config(), out, "--head", head) == 0
    bundle = read_bundle(out)
    assert (bundle.header.regions, bundle.header.region_names) == ((0,), ("background",))
    assert bundle.segmentor == {}
    if head == "text":
        assert bundle.registration["head.filters"].shape[0] == 1
    lines = [json.loads(line) for line in out.with_suffix(".metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["held_out"].keys() == {"mse", "sdlogj", "folds"}
    assert lines[-1]["losses"]["dice"] == 0
    assert (
        main([str(word) for word in ("predict", unlabelled, fields, "--weights", out, "--device", "cpu")])
        == 0
    )
    report = read_report(fields)
    assert report is not None
    assert [record.status for record in report.pairs] == ["done"] * 3
    # The images are copies of each other; that no region was found is no news.
    assert {record.warnings for record in report.pairs} == {("fixed and moving image are the same",)}
    assert not (fields / ".segmentations").exists()


def test_the_background_filter_moves_what_the_network_learnt(
    unlabelled: Path, config: Callable[..., Path], tmp_path: Path
) -> None:
    """With a region everywhere and p = 1 the region-free filter has no part in the displacement."""
    out = tmp_path / "weights.safetensors"
    assert train(unlabelled, config(), out) == 0
    net = read_bundle(out).build_registration(torch.device("cpu"))
    images = torch.rand(2, 1, 1, 32, 32, 32)
    labels, confidence = torch.zeros(1, 32, 32, 32, dtype=torch.int64), torch.ones(1, 32, 32, 32)
    with torch.no_grad():
        before = net(*images, labels, confidence).displacement
        net.head.free_filter.data += 1
        assert torch.equal(net(*images, labels, confidence).displacement, before)
        net.head.filters.data += 1
        assert not np.allclose(net(*images, labels, confidence).displacement, before)


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"dice": 1.0}, "names no labels"),
        ({"held_out": 4}, "too few training subjects"),
    ],
)
def test_what_cannot_be_trained(
    unlabelled: Path,
    config: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    training: dict[str, object],
    words: str,
) -> None:
    out = tmp_path / "weights.safetensors"
    assert train(unlabelled, config(**training), out) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()
