"""A training that is stopped, and what may go on from its checkpoint."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pairs.images.volume import read_image, write_volume
from pipeline.config import TaskConfig
from pipeline.regions.source import SegmentedRegions
from pipeline.train import loop
from textscf.program import main

__all__: list[str] = []

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]

Train = Callable[..., int]


@pytest.fixture
def stopped(train: Train, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`train` that a signal stops after its first step."""

    def run(*arguments: object) -> None:
        with monkeypatch.context() as during:
            during.setattr(loop, "stop_requested", lambda: True)
            assert train(*arguments) == 75

    return run


def test_an_interrupted_command_given_again_writes_the_same_bundle(
    train: Train, stopped: Callable[..., None], tmp_path: Path
) -> None:
    assert train("registration", tmp_path / "unbroken.safetensors") == 0
    out = tmp_path / "broken.safetensors"
    stopped("registration", out)
    assert not out.exists()
    assert out.with_suffix(".checkpoint.safetensors").is_file()
    assert train("registration", out) == 0
    assert out.read_bytes() == (tmp_path / "unbroken.safetensors").read_bytes()
    assert not out.with_suffix(".checkpoint.safetensors").exists()


@pytest.mark.parametrize("more", [("--seed", "5"), ("--steps", "9"), ("--batch", "2"), ("--head", "plain")])
def test_a_checkpoint_of_other_settings_is_refused(
    train: Train, stopped: Callable[..., None], tmp_path: Path, more: tuple[str, str]
) -> None:
    out = tmp_path / "a.safetensors"
    stopped("registration", out, "--steps", "3")
    assert train("registration", out, "--steps", "3", *more) == 4


@pytest.mark.parametrize("what", ["label", "image", "version", "nothing", "paired"])
def test_a_checkpoint_of_other_data_or_another_version_is_refused(
    train: Train,
    stopped: Callable[..., None],
    tiny_task: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    what: str,
) -> None:
    out = tmp_path / "a.safetensors"
    stopped("segmentor", out)
    changed = {"label": "labelsTr/TinyMR_0002_0000.nii.gz", "image": "imagesTr/TinyMR_0002_0000.nii.gz"}
    changed["paired"] = "labelsTr/TinyMR_0006_0000.nii.gz"
    if what in changed:
        volume = read_image(tiny_task / changed[what])
        write_volume(tiny_task / changed[what], volume.array[::-1].copy(), volume.header.affine)
    elif what == "version":
        monkeypatch.setattr("pipeline.train.job.program_version", lambda: "another")
    if what in ("nothing", "paired"):
        # Touched and copied files are the same data; subjects of pairs are not trained on.
        os.utime(tiny_task / "imagesTr" / "TinyMR_0002_0000.nii.gz", (0, 0))
        assert train("segmentor", out) == 0
        return
    capsys.readouterr()
    assert train("segmentor", out) == 4
    assert "settings, data or version of the program differ" in capsys.readouterr().err


def test_other_segmentations_of_ones_own_are_other_data(
    train: Train, stopped: Callable[..., None], tiny_task: Path, tmp_path: Path
) -> None:
    out, own = tmp_path / "a.safetensors", tmp_path / "own"
    shutil.copytree(tiny_task / "labelsTr", own)
    stopped("registration", out, "--segmentations", own)
    shutil.copy(own / "TinyMR_0002_0000.nii.gz", own / "TinyMR_0003_0000.nii.gz")
    assert train("registration", out, "--segmentations", own) == 4


def test_sigterm_ends_with_75_and_the_same_command_finishes(
    tiny_task: Path, config: Path, tmp_path: Path, tiny_config: TaskConfig
) -> None:
    settings = tiny_config.segmentor_training.model_copy(update={"steps": 40, "validate_every": 1})
    config.write_text(tiny_config.model_copy(update={"segmentor_training": settings}).model_dump_json())
    arguments = ["train", "segmentor", "--task", str(tiny_task), "--config", str(config), "--device", "cpu"]
    out = tmp_path / "broken.safetensors"
    started = [sys.executable, "-m", "textscf", *arguments, "--out", str(out)]
    # As many threads as here: another number sums in another order.
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(started, cwd=ROOT, env=environment, text=True, **pipes) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("step 2:"):
                process.send_signal(signal.SIGTERM)
                break
        _, error = process.communicate()
        assert process.returncode == 75
    assert error.startswith("error: training stopped")
    assert error.count("\n") == 1
    assert not out.exists()
    assert main([*arguments, "--out", str(out)]) == 0
    assert main([*arguments, "--out", str(tmp_path / "unbroken.safetensors")]) == 0
    assert out.read_bytes() == (tmp_path / "unbroken.safetensors").read_bytes()
    steps = [json.loads(line)["step"] for line in out.with_suffix(".metrics.jsonl").read_text().splitlines()]
    assert steps == list(range(1, 41))


def test_a_signal_while_the_subjects_are_segmented_ends_it(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("went on after the signal")

    out = tmp_path / "out" / "a.safetensors"
    monkeypatch.setattr(SegmentedRegions, "__call__", stopped)
    assert train("registration", out) == 75
    assert capsys.readouterr().err.startswith("error: stopped by a signal; run the same command to go on")
    assert not out.exists()
