"""`train` end to end on the tiny task."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pairs.tasks.task import read_task
from pipeline.config import TaskConfig
from pipeline.weights.bundle import read_bundle
from textscf.program import main

__all__: list[str] = []

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")

Train = Callable[..., int]


def metrics(out: Path) -> list[dict]:
    return [json.loads(line) for line in out.with_suffix(".metrics.jsonl").read_text().splitlines()]


def test_segmentor(train: Train, tmp_path: Path, tiny_config: TaskConfig) -> None:
    out = tmp_path / "out" / "TinyMR.safetensors"
    assert train("segmentor", out, "--licence", "CC0") == 0
    assert sorted(path.name for path in out.parent.iterdir()) == [
        "TinyMR.metrics.jsonl",
        "TinyMR.safetensors",
    ]
    bundle = read_bundle(out)
    header = bundle.header
    assert (header.task, header.modality, header.config) == ("TinyMR", "MR", tiny_config)
    assert (header.regions, header.region_names) == ((0, 1, 4), ("background", "left bean", "right bean"))
    assert header.training["segmentor"]["licence"] == "CC0"
    assert header.training["segmentor"]["subjects"] == 3
    assert bundle.registration == {}
    assert bundle.build_segmentor(CPU).segment(torch.rand(9, 8, 7).numpy()).labels.shape == (9, 8, 7)
    assert [line["step"] for line in metrics(out)] == [2, 4]
    assert metrics(out)[0]["held_out"].keys() == {"dice", "training_dice"}


def test_a_damaged_subject_is_left_out_and_the_exit_code_tells(
    train: Train, tmp_path: Path, tiny_task: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tiny_task / "labelsTr" / "TinyMR_0002_0000.nii.gz").write_bytes(b"damaged")
    out = tmp_path / "TinyMR.safetensors"
    assert train("segmentor", out, "--steps", 1) == 1
    assert read_bundle(out).header.training["segmentor"]["subjects"] == 2
    told = f"{out} is complete; 1 subject left out of the training: 0002_0000; the exit code is 1"
    assert caplog.messages[-1] == told


def test_registration(train: Train, tmp_path: Path, segmentor: Path) -> None:
    out = tmp_path / "out" / "TinyMR.safetensors"
    assert train("registration", out) == 0
    bundle, earlier = read_bundle(out), read_bundle(segmentor)
    header = bundle.header
    assert (header.embedder, header.background, header.prompts) == (
        "random",
        "prompt",
        ("background", "a", "b"),
    )
    assert header.config.registration.head == "text"
    assert header.training.keys() >= {"registration"}
    assert bundle.text["vectors"].shape == (3, 6)
    assert bundle.registration["head.filters"].shape == (3, 4, 3)
    assert all(torch.equal(bundle.segmentor[key], earlier.segmentor[key]) for key in earlier.segmentor)
    image = torch.rand(1, 1, 16, 16, 16)
    labels = torch.zeros(1, 16, 16, 16, dtype=torch.int64)
    output = bundle.build_registration(CPU)(image, image, labels, torch.ones(1, 16, 16, 16))
    assert output.displacement.isfinite().all()
    assert [line["step"] for line in metrics(out)] == [2, 4]


def test_plain_registration_needs_no_text(train: Train, tmp_path: Path, tiny_config: TaskConfig) -> None:
    uncropped = tiny_config.model_dump(mode="json")
    uncropped["registration_training"] |= {"crop": None, "held_out": 1}
    path = tmp_path / "uncropped.json"
    path.write_text(json.dumps(uncropped))
    out = tmp_path / "plain.safetensors"
    more = (
        "--head",
        "plain",
        "--embedding",
        tmp_path / "absent",
        "--config",
        path,
        "--steps",
        1,
        "--seed",
        7,
    )
    assert train("registration", out, *more) == 0
    bundle = read_bundle(out)
    assert bundle.header.config.registration.head == "plain"
    assert (bundle.text, bundle.header.prompts, bundle.header.embedder) == ({}, (), None)
    assert bundle.registration["head.conv.weight"].shape == (3, 4, 3, 3, 3)
    assert (
        bundle.header.training["registration"] | {"steps": 1, "seed": 7, "subjects": 4}
        == (bundle.header.training["registration"])
    )


@pytest.mark.parametrize("head", ["text", "plain"])
@pytest.mark.parametrize(("backbone", "steps"), [("lapirn", 0), ("lapirn", 3), ("fouriernet", 2)])
def test_backbones_with_units_of_their_own_train_and_register(
    train: Train, config: Path, tiny_task: Path, tmp_path: Path, backbone: str, steps: int, head: str
) -> None:
    """From the command that trains, through the bundle, to refined fields."""
    document = json.loads(config.read_text())
    document["registration"] |= {"backbone": backbone, "start_channels": 1, "integration_steps": steps}
    document["registration_training"] |= {"similarity_kind": "ncc", "ncc_window": 5, "dice_kind": "challenge"}
    document["refinement"] |= {"iterations": 2, "regulariser": "bending", "regularised": "displacement"}
    config.write_text(json.dumps(document))
    out = tmp_path / "a.safetensors"
    assert train("registration", out, "--head", head) == 0
    assert metrics(out)[-1]["losses"].keys() == {"similarity", "dice", "smoothness"}
    fields = tmp_path / "fields"
    assert main([str(tiny_task), str(fields), "--weights", str(out), "--device", "cpu"]) == 0
    assert len(list(fields.glob("disp*"))) == 3


def test_registration_from_coordinates_keeps_its_mlp(train: Train, tmp_path: Path) -> None:
    out = tmp_path / "coordinates.safetensors"
    more = ("--head", "coordinates", "--embedding", tmp_path / "absent", "--steps", 1)
    assert train("registration", out, *more) == 0
    bundle = read_bundle(out)
    assert (bundle.header.config.registration.head, bundle.text, bundle.header.embedder) == (
        "coordinates",
        {},
        None,
    )
    assert bundle.registration["head.mlp.0.weight"].shape == (8, 3)
    assert bundle.build_registration(CPU).head.mlp[0].in_features == 3


@pytest.mark.parametrize("network", ["segmentor", "registration"])
def test_validation_subjects_are_never_read(
    train: Train, tiny_task: Path, tmp_path: Path, network: str
) -> None:
    """Without the files of the pairs' subjects the same bundle comes out, to the byte."""
    assert train(network, tmp_path / "before.safetensors", "--steps", 2) == 0
    pairs = read_task(tiny_task).pairs
    for image in {pair.fixed for pair in pairs} | {pair.moving for pair in pairs}:
        image.unlink()
        (tiny_task / "labelsTr" / image.name).unlink()
    assert train(network, tmp_path / "after.safetensors", "--steps", 2) == 0
    assert (tmp_path / "after.safetensors").read_bytes() == (tmp_path / "before.safetensors").read_bytes()


def test_regions_from_files_need_no_segmentor(
    tiny_task: Path, config: Path, embedding: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out" / "a.safetensors"
    words = ["train", "registration", "--task", tiny_task, "--config", config, "--embedding", embedding]
    words += ["--segmentations", tiny_task / "labelsTr", "--out", out, "--device", "cpu"]
    assert main([str(word) for word in words]) == 0
    bundle = read_bundle(out)
    assert bundle.segmentor == {}
    assert bundle.registration["head.filters"].shape[0] == 3
    (tiny_task / "labelsTr" / "TinyMR_0002_0000.nii.gz").rename(tiny_task / "away.nii.gz")
    assert main([str(word) for word in words]) == 1


def test_names_of_the_configuration_serve_a_dataset_that_names_none(
    train: Train, tiny_task: Path, config: Path, tmp_path: Path
) -> None:
    path = tiny_task / "TinyMR_dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"labels": {"0": {}}}))
    settings = json.loads(config.read_text()) | {"labels": {"1": "one", "4": "four"}}
    config.write_text(json.dumps(settings))
    out = tmp_path / "a.safetensors"
    assert train("segmentor", out) == 0
    assert read_bundle(out).header.region_names == ("background", "one", "four")


def test_a_segmentor_on_its_own_grid_is_not_trained_here(
    train: Train, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = json.loads(config.read_text())
    settings["segmentor"]["spacing_mm"] = [2, 2, 2]
    config.write_text(json.dumps(settings))
    assert train("segmentor", tmp_path / "a.safetensors") == 2
    assert "`convert`" in capsys.readouterr().err


def test_a_segmentors_results_are_kept_for_the_next_training(train: Train, tmp_path: Path) -> None:
    out = tmp_path / "out" / "a.safetensors"
    assert train("registration", out) == 0
    kept = sorted((out.parent / ".segmentations").glob("*.npz"))
    assert len(kept) == 5
    times = [path.stat().st_mtime_ns for path in kept]
    out.unlink()
    assert train("registration", out) == 0
    assert [path.stat().st_mtime_ns for path in kept] == times


def test_a_shipped_configuration_takes_the_segmentors_own_settings(
    tiny_task: Path, segmentor: Path, embedding: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --config, a segmentor of another size or kind than the shipped one is no obstacle."""
    shipped = TaskConfig(
        task="TinyMR",
        registration={"start_channels": 2, "mlp_width": 8},
        registration_training={"steps": 1, "held_out": 2, "crop": (32, 32, 32)},
    )
    monkeypatch.setattr("pipeline.train.job.shipped_config", lambda _: shipped)
    out = tmp_path / "a.safetensors"
    words = ["train", "registration", "--task", tiny_task, "--segmentor", segmentor, "--embedding", embedding]
    assert main([str(word) for word in (*words, "--out", out, "--device", "cpu")]) == 0
    assert read_bundle(out).header.config.segmentor == read_bundle(segmentor).header.config.segmentor


@pytest.mark.parametrize("network", ["segmentor", "registration"])
def test_too_little_memory_is_one_line(
    train: Train,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    network: str,
) -> None:
    def refuse(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(f"pipeline.train.command.train_{network}", refuse)
    assert train(network, tmp_path / "a.safetensors") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: too little memory for the training: ")
