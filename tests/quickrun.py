"""A prediction run on the tiny task, in this process, with its own weights file and output folder."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pairs.images.volume import Volume, read_image
from pipeline.config import RegistrationConfig, SegmentorConfig, TaskConfig
from pipeline.general.config import ContinuousConfig, DiscreteConfig, GeneralConfig, GlobalConfig
from pipeline.network.model import build_for_training, freeze
from pipeline.predict import choice
from pipeline.predict.report import RunReport, read_report
from pipeline.regions.networks import build_network
from pipeline.weights import folders
from pipeline.weights.bundle import Bundle, write_bundle
from textscf.program import main

__all__ = [
    "image",
    "listing",
    "only_error_line",
    "output",
    "predict",
    "quick_general",
    "quick_states",
    "report_of",
    "rewrite_task",
    "tiny_bundle",
    "weights",
]


@pytest.fixture(scope="session")
def quick_states() -> tuple[TaskConfig, dict[str, dict[str, torch.Tensor]]]:
    """Networks on half the grid and of one window, since these tests run them hundreds of times."""
    config = TaskConfig(
        task="TinyMR",
        segmentor=SegmentorConfig(channels=(2, 4), residual_units=1, roi=(64, 64, 64)),
        registration=RegistrationConfig(start_channels=1, decoder_stride=2, mlp_width=8),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = build_for_training(config.registration, torch.randn(3, 8))
        torch.nn.init.normal_(net.head.mlp[-1].weight, std=1)
        torch.nn.init.normal_(net.head.free_filter, std=1)
        segmentor = build_network(config.segmentor, 3)
    return config, {"registration": freeze(net).state_dict(), "segmentor": segmentor.state_dict()}


@pytest.fixture
def tiny_bundle(
    tiny_bundle: Bundle, quick_states: tuple[TaskConfig, dict[str, dict[str, torch.Tensor]]]
) -> Bundle:
    """The tiny bundle with quicker networks."""
    config, states = quick_states
    header = tiny_bundle.header.model_copy(update={"config": config})
    return replace(tiny_bundle, header=header, **states)


@pytest.fixture
def weights(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    write_bundle(path, tiny_bundle)
    return path


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Where the fields go; a run creates it."""
    return tmp_path / "out"


@pytest.fixture
def predict(tiny_task: Path, output: Path, weights: Path, device: torch.device) -> Callable[..., int]:
    """`predict TASK OUT` with half-grid fields and more arguments, of which a later one wins.

    Returns the exit code.
    """

    def run(*arguments: object) -> int:
        words = ["predict", tiny_task, output, "--weights", weights, "--device", device.type]
        words += ["--profile", "l2r2021", *arguments]
        return main([str(word) for word in words])

    return run


@pytest.fixture
def quick_general(
    tiny_task: Path, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """`predict TASK OUT` where no weights are at hand, by the general method with the fewest steps.

    Returns the exit code.
    """
    general = GeneralConfig(
        global_stage=GlobalConfig(voxels=4000, iterations=2),
        discrete_stage=DiscreteConfig(reach=1),
        continuous_stage=ContinuousConfig(levels=((2, 4),), learning_rate_vox=0.05),
    )
    monkeypatch.setattr(folders, "WEIGHT_FOLDERS", (tmp_path / "none",))
    monkeypatch.setattr(choice, "shipped_config", lambda task: TaskConfig(task=task, general=general))

    def run(*arguments: object) -> int:
        words = ["predict", tiny_task, output, "--device", "cpu", *arguments]
        return main([str(word) for word in words])

    return run


@pytest.fixture
def rewrite_task(tiny_task: Path) -> Callable[..., None]:
    """Sets keys of the task's dataset JSON."""

    def rewrite(**keys: object) -> None:
        path = tiny_task / "TinyMR_dataset.json"
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | keys), encoding="utf-8")

    return rewrite


@pytest.fixture
def image(tiny_task: Path) -> Volume:
    """The fixed image of the first pair."""
    return read_image(tiny_task / "imagesTr" / "TinyMR_0006_0000.nii.gz")


@pytest.fixture(scope="session")
def listing() -> Callable[[Path], list[str]]:
    """Names every file and folder, hidden ones too, without what is kept of the segmentor."""

    def names(folder: Path) -> list[str]:
        return sorted(path.name for path in folder.iterdir() if path.name != ".segmentations")

    return names


@pytest.fixture(scope="session")
def report_of() -> Callable[[Path], RunReport]:
    """Reads the report of a folder, which must have one."""

    def read(folder: Path) -> RunReport:
        report = read_report(folder)
        assert report is not None
        return report

    return read


@pytest.fixture
def only_error_line(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Gives the one line of stderr; nothing is on stdout."""

    def line() -> str:
        written = capsys.readouterr()
        assert written.out == ""
        assert written.err.startswith("error: ")
        assert written.err.count("\n") == 1
        return written.err

    return line
