"""A tiny Learn2Reg task, a configuration small enough for it, and a bundle with random weights."""

import json
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from pairs.images.volume import read_image, read_labels, write_volume
from pipeline.config import (
    RegistrationConfig,
    RegistrationTraining,
    SegmentorConfig,
    SegmentorTraining,
    TaskConfig,
)
from pipeline.machine import stopping
from pipeline.machine.device import choose_device
from pipeline.network.model import build_for_training, freeze
from pipeline.regions.networks import build_network
from pipeline.weights.bundle import Bundle, BundleHeader
from textscf.program import main

__all__ = [
    "device",
    "on_device",
    "one_thread",
    "other_task",
    "refused",
    "signals_as_before",
    "tiny_bundle",
    "tiny_config",
    "tiny_task",
    "tiny_task_original",
]

SHAPE = (32, 48, 40)
TRAINING = ("0001", "0002", "0003", "0004", "0005")
VALIDATION = ("0006", "0007", "0008")
# Label values with a gap, so that a label taken for a region index is noticed.
LABELS = {1: "left bean", 4: "right bean"}


def _name(subject: str) -> str:
    return f"TinyMR_{subject}_0000.nii.gz"


def _subject(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Image (float32, zeros around the body) and label map (uint8) of one subject, by seed."""
    random = np.random.default_rng(number)
    grid = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
    centre = np.array(SHAPE) / 2 + random.uniform(-2, 2, 3)

    def ball(offset: tuple[float, float, float], radii: tuple[float, float, float]) -> np.ndarray:
        middle = centre + offset + random.uniform(-1.5, 1.5, 3)
        return (((grid - middle) / (np.array(radii) * random.uniform(0.9, 1.1, 3))) ** 2).sum(-1) <= 1

    body = ball((0, 0, 0), (13, 19, 16))
    image = np.where(body, 0.3, 0.0)
    labels = np.zeros(SHAPE, dtype=np.uint8)
    for label, brightness, offset in ((1, 0.6, (-3, -7, 1)), (4, 0.9, (2, 7, -3))):
        bean = ball(offset, (5, 6, 5)) & body
        image[bean] = brightness
        labels[bean] = label
    image += random.normal(0, 0.02, SHAPE) * body
    # Scanners of the real task differ a thousand times in scale.
    scale = (200.0, 200_000.0)[number % 2]
    return (image * scale).astype(np.float32), labels


def _dataset() -> dict[str, object]:
    """The dataset JSON; the validation subjects are in `training` too, as in the official files."""
    ring = zip(VALIDATION, (*VALIDATION[1:], VALIDATION[0]), strict=True)
    return {
        "name": "TinyMR",
        "release": "1.0",
        "modality": {"0": "MR"},
        "labels": {"0": {str(label): name for label, name in LABELS.items()}},
        "tensorImageShape": {"0": list(SHAPE)},
        "training": [
            {"image": f"./imagesTr/{_name(subject)}", "label": f"./labelsTr/{_name(subject)}"}
            for subject in (*TRAINING, *VALIDATION)
        ],
        "registration_val": [
            {"fixed": f"./imagesTr/{_name(fixed)}", "moving": f"./imagesTr/{_name(moving)}"}
            for fixed, moving in ring
        ],
    }


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> torch.device:
    """Where networks, warps and losses of the tests are: `--device`."""
    return choose_device(request.config.getoption("--device"))


@pytest.fixture(scope="module")
def on_device(device: torch.device) -> Iterator[None]:
    """Tensors and networks that the test makes without naming a device are on the one asked for."""
    if device.type == "cpu":
        yield
        return
    torch.set_default_device(device)
    yield
    torch.set_default_device(None)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks of these sizes only wait for each other on several threads; sums keep one order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def signals_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A run or a training listens for signals; the next test must find the process as it was."""
    monkeypatch.setattr(stopping, "_requested", False)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def tiny_task_original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("original") / "TinyMR"
    for folder in ("imagesTr", "labelsTr"):
        (root / folder).mkdir(parents=True)
    for subject in (*TRAINING, *VALIDATION):
        image, labels = _subject(int(subject))
        write_volume(root / "imagesTr" / _name(subject), image, np.eye(4))
        write_volume(root / "labelsTr" / _name(subject), labels, np.eye(4))
    (root / "TinyMR_dataset.json").write_text(json.dumps(_dataset(), indent=1), encoding="utf-8")
    return root


@pytest.fixture
def tiny_task(tiny_task_original: Path, tmp_path: Path) -> Path:
    """A task folder of its own for each test: 5 training and 3 validation subjects, 3 pairs, 32x48x40.

    Labels 1 and 4 are two beans in a body, shifted from subject to subject; grey values follow the
    labels. 40 is no multiple of 16, so the networks need padding.
    """
    return Path(shutil.copytree(tiny_task_original, tmp_path / "TinyMR"))


@pytest.fixture
def other_task(tiny_task: Path, tmp_path: Path) -> Path:
    """Another task, of CT: its label 1 is the other's label 4, and its label 2 a region of its own."""
    root = Path(shutil.copytree(tiny_task, tmp_path / "OtherCT"))
    (root / "TinyMR_dataset.json").unlink()
    labels = {"labels": {"0": {"1": "Right_bean", "2": "lung"}}, "modality": {"0": "CT"}, "name": "OtherCT"}
    (root / "OtherCT_dataset.json").write_text(json.dumps(_dataset() | labels), encoding="utf-8")
    for path in (root / "labelsTr").iterdir():
        volume = read_labels(path)
        values = np.array([0, 2, 0, 0, 1], np.uint8)[volume.array]
        write_volume(path, values, volume.header.affine)
    return root


@pytest.fixture(scope="session")
def tiny_config() -> TaskConfig:
    """Networks of a few thousand parameters and trainings of a few steps."""
    return TaskConfig(
        task="TinyMR",
        segmentor=SegmentorConfig(channels=(4, 8), residual_units=1, roi=(32, 32, 32), overlap=0.25),
        registration=RegistrationConfig(start_channels=2, mlp_width=8),
        segmentor_training=SegmentorTraining(steps=4, validate_every=2, held_out=2, crop=(32, 32, 32)),
        registration_training=RegistrationTraining(steps=4, validate_every=2, held_out=2, crop=(32, 32, 32)),
    )


@pytest.fixture
def tiny_bundle(tiny_config: TaskConfig) -> Bundle:
    """A bundle for `tiny_task` with random weights; its displacements are small but not zero."""
    regions = (0, *LABELS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        vectors = torch.randn(len(regions), 8)
        net = build_for_training(tiny_config.registration, vectors)
        torch.nn.init.normal_(net.head.mlp[-1].weight, std=0.3)
        torch.nn.init.normal_(net.head.free_filter, std=0.3)
        segmentor = build_network(tiny_config.segmentor, len(regions))
    header = BundleHeader(
        task="TinyMR",
        modality="MR",
        regions=regions,
        region_names=("background", *LABELS.values()),
        config=tiny_config,
        prompts=("background", *(f"A photo of a {name}." for name in LABELS.values())),
        embedder="random",
        background="prompt",
        training={"registration": {"task": "TinyMR", "licence": "none needed"}},
    )
    return Bundle(
        header,
        segmentor=segmentor.state_dict(),
        registration=freeze(net).state_dict(),
        text={"vectors": vectors},
    )


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Runs a command with `--out`; it must end with this exit code and one line, and change no file there."""
    folder = tmp_path / "results"
    folder.mkdir()
    out = folder / "a.safetensors"
    out.write_bytes(b"an earlier result")

    def run(code: int, sentence: str, *words: object) -> None:
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        capsys.readouterr()
        assert main([str(word) for word in (*words, "--out", out)]) == code
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ")
        assert sentence in line
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before

    return run


def image_of(task: Path, subject: str = "0007") -> Path:
    """The image of a subject of `tiny_task`; 0007 is in the first two of the three pairs."""
    return task / "imagesTr" / _name(subject)


def edit_volume(path: Path, edit: Callable[[np.ndarray], object], affine: np.ndarray | None = None) -> None:
    """Edits the voxels of a volume in place; what `edit` returns, if anything, replaces them."""
    volume = read_image(path)
    array = edit(volume.array)
    write_volume(
        path,
        array if isinstance(array, np.ndarray) else volume.array,
        volume.header.affine if affine is None else affine,
    )
