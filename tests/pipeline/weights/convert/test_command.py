"""`convert` in this process: a random SwinUNETR in every form, and what does not fit."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pipeline.config import SegmentorConfig, TaskConfig
from pipeline.regions.networks import build_network
from pipeline.weights.bundle import read_bundle
from textscf.program import main

__all__: list[str] = []

pytestmark = pytest.mark.slow

Convert = Callable[..., int]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def tiny_state() -> dict[str, torch.Tensor]:
    """The state of a tiny network of BTCV's 14 classes, as `torch.save` gets it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return build_network(SegmentorConfig(network="swinunetr-tiny"), 14).state_dict()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "bundle.safetensors"


@pytest.fixture
def convert(tmp_path: Path, out: Path) -> Convert:
    """Saves a checkpoint and converts it; returns the exit code."""

    def run(content: object, *arguments: object) -> int:
        path = tmp_path / "model.pt"
        torch.save(content, path)
        words = ["convert", "--segmentor", path, "--size", "tiny", "--out", out, *arguments]
        return main([str(word) for word in words])

    return run


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    written = capsys.readouterr()
    (line,) = [line for line in written.err.splitlines() if line.startswith("error: ")]
    return line


def test_the_public_form_becomes_a_bundle_for_the_abdomen(
    convert: Convert, out: Path, tiny_state: dict[str, torch.Tensor]
) -> None:
    parallel = {f"module.{name}": value for name, value in tiny_state.items()}
    assert convert({"state_dict": parallel, "epoch": 5000}, "--licence", "Apache-2.0") == 0
    bundle = read_bundle(out)
    header, section = bundle.header, bundle.header.config.segmentor
    assert (header.task, header.modality, header.regions) == ("AbdomenCTCT", "CT", tuple(range(14)))
    assert header.region_names[12:] == ("left adrenal gland", "right adrenal gland")
    assert (section.network, section.merging) == ("swinunetr-tiny", "legacy")
    assert (section.orientation, section.spacing_mm) == ("RAS", (1.5, 1.5, 2.0))
    assert (section.roi, section.overlap) == ((96, 96, 96), 0.5)
    assert section.class_labels == (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 12)
    assert section.intensity is not None
    assert (section.intensity.low, section.intensity.high) == (-175, 250)
    assert header.training["segmentor"]["licence"] == "Apache-2.0"
    assert not bundle.registration
    assert bundle.segmentor.keys() == tiny_state.keys()
    assert all(torch.equal(bundle.segmentor[name], value) for name, value in tiny_state.items())
    built = bundle.build_segmentor(CPU)
    assert built.classes.left[-2:] == (13, 12)


@pytest.mark.parametrize("form", ["bare", "model"])
def test_other_forms_give_the_same_tensors(
    convert: Convert, out: Path, tiny_state: dict[str, torch.Tensor], form: str
) -> None:
    assert convert(tiny_state if form == "bare" else {"model": tiny_state}) == 0
    found = read_bundle(out).segmentor
    assert all(torch.equal(found[name], value) for name, value in tiny_state.items())


def test_other_classes_and_merging_are_kept(
    convert: Convert, out: Path, tmp_path: Path, tiny_task: Path
) -> None:
    torch.manual_seed(0)
    state = build_network(SegmentorConfig(network="swinunetr-tiny"), 4).state_dict()
    config = tmp_path / "config.json"
    config.write_text(TaskConfig(task="TinyMR").model_dump_json())
    arguments = ("--task", tiny_task, "--config", config, "--class-labels", "0,4,0,1", "--merging", "current")
    assert convert(state, *arguments) == 0
    header = read_bundle(out).header
    assert (header.task, header.regions) == ("TinyMR", (0, 1, 4))
    assert header.config.segmentor.class_labels == (0, 4, 0, 1)
    assert header.config.segmentor.merging == "current"


@pytest.mark.parametrize("network", ["unet", "plainunet"])
def test_settings_of_a_configuration_for_a_unet_are_not(
    convert: Convert, out: Path, tmp_path: Path, tiny_state: dict[str, torch.Tensor], network: str
) -> None:
    config = tmp_path / "config.json"
    section = {"network": network, "roi": [48, 48, 48], "overlap": 0.7}
    config.write_text(json.dumps({"task": "AbdomenCTCT", "segmentor": section}))
    assert convert(tiny_state, "--config", config) == 0
    found = read_bundle(out).header.config.segmentor
    assert found.network == "swinunetr-tiny"
    assert found.spacing_mm is not None


def test_settings_of_a_configuration_for_swinunetr_are_kept(
    convert: Convert, out: Path, tmp_path: Path, tiny_state: dict[str, torch.Tensor]
) -> None:
    config = tmp_path / "config.json"
    section = {"network": "swinunetr-base", "roi": [64, 64, 64], "overlap": 0.7}
    config.write_text(json.dumps({"task": "AbdomenCTCT", "segmentor": section}))
    assert convert(tiny_state, "--config", config) == 0
    found = read_bundle(out).header.config.segmentor
    assert (found.network, found.roi, found.overlap) == ("swinunetr-tiny", (64, 64, 64), 0.7)
    assert found.spacing_mm is None


def test_another_size_is_named(
    convert: Convert, out: Path, tiny_state: dict[str, torch.Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert({"state_dict": tiny_state}, "--size", "small") == 4
    line = error_line(capsys)
    assert "no SwinUNETR of size small with 14 classes" in line
    assert "patch_embed.proj.weight of shape (12, 1, 2, 2, 2) in place of (24, 1, 2, 2, 2)" in line
    assert line.endswith("give --size tiny")
    assert not out.exists()


@pytest.mark.parametrize(
    ("change", "got"),
    [
        (lambda state: state.pop("swinViT.patch_embed.proj.bias"), "no tensor swinViT.patch_embed.proj.bias"),
        (lambda state: state.update(extra=torch.zeros(1)), "a tensor extra that the network does not have"),
        (
            lambda state: state.update({"out.conv.conv.bias": torch.zeros(5)}),
            r"out.conv.conv.bias of shape (5,) in place of (14,)",
        ),
    ],
)
def test_another_network_is_told_by_its_first_faults(
    convert: Convert,
    out: Path,
    tiny_state: dict[str, torch.Tensor],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[dict[str, torch.Tensor]], object],
    got: str,
) -> None:
    # The base takes seconds to build.
    monkeypatch.setattr("pipeline.weights.convert.swinunetr.SWIN_FEATURES", {"small": 24, "tiny": 12})
    state = dict(tiny_state)
    change(state)
    assert convert(state) == 4
    line = error_line(capsys)
    assert got in line
    assert line.endswith("no size fits: another network or class count")
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--class-labels", "0,a"), 2, "--class-labels"),
        (("--class-labels", "1,0"), 2, "class_labels to begin with 0"),
        (("--class-labels", ",".join(map(str, range(20)))), 4, "[14, 15, 16, 17, 18, 19]"),
        (("--task", "Nowhere"), 2, "a task folder, or one of AbdomenCTCT"),
        (("--task", "LungCT"), 2, "names no labels"),
        (("--size", "huge"), 2, "huge"),
        (("--segmentor", "absent.pt"), 4, "no such file: absent.pt"),
        (("--out", "."), 5, "output is not a regular file"),
    ],
)
def test_bad_arguments_write_nothing(
    convert: Convert,
    out: Path,
    tiny_state: dict[str, torch.Tensor],
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    assert convert(tiny_state, *arguments) == code
    assert words in error_line(capsys)
    assert not out.exists()


def test_a_size_or_a_source_must_be_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"weight": torch.zeros(1)}, tmp_path / "a.pt")
    assert main(["convert", "--segmentor", str(tmp_path / "a.pt"), "--out", str(tmp_path / "b")]) == 2
    assert "no size given" in error_line(capsys)
    assert main(["convert", "--out", str(tmp_path / "b")]) == 2
    assert "--segmentor" in error_line(capsys)


def test_a_registration_is_trained_on_a_converted_segmentor(
    convert: Convert, tiny_task: Path, tmp_path: Path, tiny_config: TaskConfig, out: Path
) -> None:
    """The trained bundle holds both parts and says which segmentor it is."""
    settings = tiny_config.model_dump(mode="json")
    settings["segmentor"] = {"network": "swinunetr-tiny", "roi": [64, 64, 64]}
    settings["registration"]["head"] = "plain"
    settings["registration"]["grid"] = "half"
    settings["registration_training"] |= {"steps": 1, "validate_every": 1, "held_out": 2, "crop": None}
    config = tmp_path / "config.json"
    config.write_text(json.dumps(settings))
    torch.manual_seed(0)
    state = build_network(SegmentorConfig(network="swinunetr-tiny"), 2).state_dict()
    task = ("--task", tiny_task, "--config", config, "--class-labels", "0,4")
    assert convert(state, *task) == 0
    converted = read_bundle(out)
    settings["segmentor"] = converted.header.config.segmentor.model_dump(mode="json")
    config.write_text(json.dumps(settings))
    trained = tmp_path / "trained.safetensors"
    arguments = ["train", "registration", "--task", tiny_task, "--config", config, "--segmentor", out]
    # Masks of the segmentor would take half a minute; its weights go into the bundle all the same.
    arguments += ["--segmentations", tiny_task / "labelsTr", "--out", trained, "--device", "cpu"]
    assert main([str(word) for word in arguments]) == 0
    bundle = read_bundle(trained)
    assert bundle.registration
    assert bundle.segmentor.keys() == converted.segmentor.keys()
    assert bundle.header.config.segmentor == converted.header.config.segmentor
    assert bundle.header.training["segmentor"] == converted.header.training["segmentor"]
