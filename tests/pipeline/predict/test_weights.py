"""The weights of a run: which ones are taken, and what is refused of them before any work."""

import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipeline.predict.report import RunReport
from pipeline.weights import folders as weightfolders
from pipeline.weights.bundle import HEADER_KEY, Bundle, write_bundle
from pipeline.weights.tensorfile import HASH_KEY, read_tensors
from textscf.program import main

__all__: list[str] = []

pytestmark = pytest.mark.slow

Predict = Callable[..., int]
Listing = Callable[[Path], list[str]]
ReportOf = Callable[[Path], RunReport]
ErrorLine = Callable[[], str]


def test_the_weights_of_the_task_are_the_default(
    tiny_task: Path,
    output: Path,
    weights: Path,
    report_of: ReportOf,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(weightfolders, "WEIGHT_FOLDERS", (tmp_path / "mounted", weights.parent))
    shutil.move(weights, weights.with_name("TinyMR.safetensors"))
    assert main([str(tiny_task), str(output), "--device", "cpu"]) == 0
    assert report_of(output).weights == "TinyMR.safetensors"


def test_no_weights_for_the_task(tiny_task: Path, output: Path, only_error_line: ErrorLine) -> None:
    assert main([str(tiny_task), str(output), "--device", "cpu", "--method", "network"]) == 4
    line = only_error_line()
    assert "TinyMR.safetensors" in line
    assert "give --weights FILE" in line
    assert not output.exists()


def damage_missing(path: Path) -> None:
    path.unlink()


def damage_truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def damage_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"weights": [1.0]}))


@pytest.mark.parametrize("damage", [damage_missing, damage_truncated, damage_pickle])
def test_damaged_weights(
    predict: Predict, output: Path, weights: Path, only_error_line: ErrorLine, damage: Callable[[Path], None]
) -> None:
    path = weights.rename(weights.with_suffix(".pth")) if damage is damage_pickle else weights
    damage(path)
    assert predict("--weights", path) == 4
    assert str(path) in only_error_line()
    assert not output.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"task": "Other", "regions": (0, 2, 3)},
        {"task": "Other", "region_names": ("background", "liver", "spleen")},
        {"task": "Other", "modality": "CT"},
    ],
)
def test_weights_for_another_task(
    predict: Predict,
    output: Path,
    weights: Path,
    only_error_line: ErrorLine,
    tiny_bundle: Bundle,
    changes: dict[str, object],
) -> None:
    header = tiny_bundle.header.model_copy(update=changes)
    write_bundle(weights, replace(tiny_bundle, header=header))
    assert predict() == 4
    line = only_error_line()
    assert "of TinyMR" in line
    assert "of Other" in line
    assert not output.exists()


def other_architecture(bundle: Bundle) -> Bundle:
    config = bundle.header.config
    network = config.registration.model_copy(update={"backbone": "voxelmorph"})
    header = bundle.header.model_copy(update={"config": config.model_copy(update={"registration": network})})
    return replace(bundle, header=header)


def unknown_backbone(bundle: Bundle) -> Bundle:
    config = bundle.header.config
    network = config.registration.model_copy(update={"backbone": "lkunot"})
    header = bundle.header.model_copy(update={"config": config.model_copy(update={"registration": network})})
    return replace(bundle, header=header)


def nan_weights(bundle: Bundle) -> Bundle:
    name = next(iter(bundle.registration))
    state = bundle.registration | {name: torch.full_like(bundle.registration[name], torch.nan)}
    return replace(bundle, registration=state)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (other_architecture, "got no tensor backbone.down.0.0.weight, no tensor"),
        (unknown_backbone, "expected one of fouriernet, lapirn, lkunet, transmorph-base"),
        (nan_weights, " with NaN or infinity; the file was altered"),
    ],
)
def test_tensors_of_another_architecture(
    predict: Predict,
    output: Path,
    weights: Path,
    tiny_bundle: Bundle,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Bundle], Bundle],
    words: str,
) -> None:
    """An earlier run's fields and report stay as they are."""
    assert predict() == 0
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    write_bundle(weights, change(tiny_bundle))
    capsys.readouterr()
    assert predict() == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert str(weights) in line
    assert words in line
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before


def test_weights_without_a_segmentor(
    predict: Predict, weights: Path, tiny_bundle: Bundle, tiny_task: Path, only_error_line: ErrorLine
) -> None:
    write_bundle(weights, replace(tiny_bundle, segmentor={}))
    assert predict() == 4
    assert "--segmentations" in only_error_line()
    assert predict("--segmentations", tiny_task / "labelsTr") == 0


def test_free_text_of_the_weights_cannot_spoil_the_report(
    predict: Predict, output: Path, weights: Path, tiny_bundle: Bundle
) -> None:
    write_bundle(weights, tiny_bundle)
    # As an earlier version or another program may have written it: NaN, and no hash of the content.
    file = read_tensors(weights)
    entries = json.loads(file.metadata[HEADER_KEY])
    del entries[HASH_KEY]
    entries["training"] = {"dice": float("nan")}
    save_file(file.tensors, weights, metadata={HEADER_KEY: json.dumps(entries)})
    assert predict() == 0
    json.loads((output / "report.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: out of memory"),
    ],
)
@pytest.mark.parametrize("where", ["NetworkRegistration.__init__", "Bundle.build_segmentor", "read_bundle"])
def test_memory_that_the_networks_cannot_have_is_one_line(
    predict: Predict,
    output: Path,
    listing: Listing,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    where: str,
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(f"pipeline.predict.choice.{where}", refuse)
    assert predict() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: too little memory for the networks: ")
    assert "weights.safetensors" in line
    assert ("--device cpu" in line) == ("CUDA" in str(error))
    assert not output.exists() or listing(output) == []


def test_another_error_of_a_network_keeps_its_traceback(
    predict: Predict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("pipeline.predict.choice.NetworkRegistration.__init__", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        predict()
