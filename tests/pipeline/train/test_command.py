"""`python -m pipeline train` end to end on the tiny task."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pairs.task import read_task
from pipeline.__main__ import main
from pipeline.bundle import Bundle, read_bundle, write_bundle
from pipeline.config import TaskConfig
from pipeline.text.table import make_table, write_table
from pipeline.train import command, loop

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[3]
CPU = torch.device("cpu")

Train = Callable[..., int]


@pytest.fixture(autouse=True)
def _deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test process keeps its own signal handlers."""
    monkeypatch.setattr(command, "listen_for_signals", lambda: None)


@pytest.fixture
def config(tiny_config: TaskConfig, tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(tiny_config.model_dump_json())
    return path


@pytest.fixture
def segmentor(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    path = tmp_path / "segmentor.safetensors"
    write_bundle(path, Bundle(tiny_bundle.header, segmentor=tiny_bundle.segmentor))
    return path


@pytest.fixture
def embedding(tmp_path: Path) -> Path:
    path = tmp_path / "embedding.safetensors"
    vectors = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
    write_table(path, make_table(vectors, ("background", "a", "b"), (0, 1, 4), "random", "prompt"))
    return path


@pytest.fixture
def train(tiny_task: Path, config: Path, segmentor: Path, embedding: Path) -> Train:
    """Runs the command with the files it needs, and more arguments; options given again win."""

    def run(network: str, out: Path, *more: object) -> int:
        arguments = [
            "train",
            network,
            "--task",
            tiny_task,
            "--config",
            config,
            "--out",
            out,
            "--device",
            "cpu",
        ]
        if network == "registration":
            arguments += ["--segmentor", segmentor, "--embedding", embedding]
        return main([str(argument) for argument in (*arguments, *more)])

    return run


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
    assert bundle.build_segmentor(CPU)(torch.rand(9, 8, 7).numpy()).labels.shape == (9, 8, 7)
    assert [line["step"] for line in metrics(out)] == [2, 4]
    assert metrics(out)[0]["held_out"].keys() == {"dice", "training_dice"}


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


def test_an_interrupted_command_given_again_writes_the_same_bundle(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train("registration", tmp_path / "unbroken.safetensors") == 0
    out = tmp_path / "broken.safetensors"
    with monkeypatch.context() as during:
        during.setattr(loop, "stop_requested", lambda: True)
        assert train("registration", out) == 75
    assert not out.exists()
    assert out.with_suffix(".checkpoint.safetensors").is_file()
    assert train("registration", out) == 0
    assert out.read_bytes() == (tmp_path / "unbroken.safetensors").read_bytes()
    assert not out.with_suffix(".checkpoint.safetensors").exists()


@pytest.mark.parametrize("more", [("--seed", "5"), ("--steps", "9"), ("--head", "plain")])
def test_a_checkpoint_of_other_settings_is_refused(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, str]
) -> None:
    out = tmp_path / "a.safetensors"
    with monkeypatch.context() as during:
        during.setattr(loop, "stop_requested", lambda: True)
        train("registration", out, "--steps", "3")
    assert train("registration", out, "--steps", "3", *more) == 4


def test_sigterm_ends_with_75_and_the_same_command_finishes(
    tiny_task: Path, config: Path, tmp_path: Path, tiny_config: TaskConfig
) -> None:
    settings = tiny_config.segmentor_training.model_copy(update={"steps": 40, "validate_every": 1})
    config.write_text(tiny_config.model_copy(update={"segmentor_training": settings}).model_dump_json())
    arguments = ["train", "segmentor", "--task", str(tiny_task), "--config", str(config), "--device", "cpu"]
    out = tmp_path / "broken.safetensors"
    started = [sys.executable, "-m", "pipeline", *arguments, "--out", str(out)]
    # As many threads as here: another number sums in another order.
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(started, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("step 2:"):
                process.send_signal(signal.SIGTERM)
                break
        last = process.stderr.read()
        assert process.wait() == 75
    assert "error: training stopped" in last
    assert "Traceback" not in last
    assert not out.exists()
    assert main([*arguments, "--out", str(out)]) == 0
    assert main([*arguments, "--out", str(tmp_path / "unbroken.safetensors")]) == 0
    assert out.read_bytes() == (tmp_path / "unbroken.safetensors").read_bytes()
    assert [line["step"] for line in metrics(out)] == list(range(1, 41))


@pytest.mark.parametrize(
    ("code", "sentence", "more"),
    [
        (2, "--steps", ("--steps", "0")),
        (2, "--steps", ("--steps", "-3")),
        (2, "task folder or file is missing", ("--task", "/absent")),
        (2, "cannot read the configuration", ("--config", "/absent")),
        (4, "/absent", ("--segmentor", "/absent")),
        (4, "/absent", ("--embedding", "/absent")),
    ],
)
def test_wrong_arguments_end_with_one_line(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str], code: int, sentence: str, more: tuple
) -> None:
    assert train("registration", tmp_path / "a.safetensors", *more) == code
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert sentence in errors[0]
    assert not (tmp_path / "a.safetensors").exists()


def test_an_output_that_is_a_folder_is_noticed_before_the_training(train: Train, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert train("segmentor", tmp_path / "folder", "--steps", "1000000") == 5


@pytest.mark.parametrize(("option", "remedy"), [("--segmentor", "train one first"), ("--embedding", "embed")])
def test_what_registration_needs_is_asked_for(
    tiny_task: Path,
    config: Path,
    segmentor: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    option: str,
    remedy: str,
) -> None:
    arguments = ["train", "registration", "--task", tiny_task, "--config", config, "--out", tmp_path / "a"]
    arguments += [] if option == "--segmentor" else ["--segmentor", segmentor]
    assert main([str(argument) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert option in error
    assert remedy in error


def test_text_vectors_for_other_labels(train: Train, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    write_table(path, make_table(torch.randn(3, 6), ("background", "a", "b"), (0, 1, 2), "random", "prompt"))
    assert train("registration", tmp_path / "a.safetensors", "--embedding", path) == 4


def test_a_segmentor_for_other_labels(train: Train, tiny_bundle: Bundle, tmp_path: Path) -> None:
    header = tiny_bundle.header.model_copy(update={"regions": (0, 1, 2)})
    write_bundle(tmp_path / "other.safetensors", Bundle(header, segmentor=tiny_bundle.segmentor))
    more = ("--segmentor", tmp_path / "other.safetensors")
    assert train("registration", tmp_path / "a.safetensors", *more) == 4


def test_a_segmentor_of_other_intensities_cannot_go_into_the_same_bundle(
    train: Train, tiny_config: TaskConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tiny_config.model_dump(mode="json")
    document["intensity"]["high"] = 90
    path = tmp_path / "other.json"
    path.write_text(json.dumps(document))
    assert train("registration", tmp_path / "a.safetensors", "--config", path) == 4
    assert "another configuration of 'intensity'" in capsys.readouterr().err


def test_too_few_subjects(train: Train, tiny_task: Path, tmp_path: Path) -> None:
    dataset = tiny_task / "TinyMR_dataset.json"
    document = json.loads(dataset.read_text())
    document["training"] = document["training"][:3]
    dataset.write_text(json.dumps(document))
    assert train("segmentor", tmp_path / "a.safetensors") == 2


def test_subjects_without_files_end_with_one_line(
    train: Train, tiny_task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(tiny_task / "labelsTr")
    assert train("segmentor", tmp_path / "a.safetensors") == 1
    assert "Traceback" not in capsys.readouterr().err
