"""The predict command: what it writes, and what it refuses before any work."""

import gzip
import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pairs.displacement import find_field, read_displacement
from pairs.task import read_task
from pipeline import weightfolders
from pipeline.__main__ import main
from pipeline.bundle import HEADER_KEY, Bundle, write_bundle
from pipeline.predict.registrar import Registrar
from pipeline.predict.report import RunReport
from pipeline.tensorfile import HASH_KEY, read_tensors

__all__: list[str] = []

Predict = Callable[..., int]
Listing = Callable[[Path], list[str]]
ReportOf = Callable[[Path], RunReport]
ErrorLine = Callable[[], str]
SHAPE = (32, 48, 40)
NAMES = ("disp_0006_0007.npz", "disp_0007_0008.npz", "disp_0008_0006.npz")


def test_a_field_for_every_pair_and_a_report(
    predict: Predict,
    tiny_task: Path,
    output: Path,
    listing: Listing,
    report_of: ReportOf,
    device: torch.device,
) -> None:
    assert predict() == 0
    assert listing(output) == [*NAMES, "report.json"]
    report = report_of(output)
    assert (report.task, report.profile, report.device) == ("TinyMR", "l2r2021", str(device))
    assert report.training == {"registration": {"task": "TinyMR", "licence": "none needed"}}
    assert [record.file for record in report.pairs] == list(NAMES)
    for pair, record in zip(read_task(tiny_task).pairs, report.pairs, strict=True):
        assert (record.pair, record.status, record.device) == (pair.name, "done", str(device))
        assert (record.error, record.warnings) == (None, ())
        assert record.seconds > 0
        assert record.peak_memory_mib > 1
        assert 0 < (record.decode_error_mean_vox or 0) < (record.decode_error_max_vox or 0)
        field = read_displacement(find_field(output, pair), SHAPE).displacement
        assert field.shape == (*SHAPE, 3)
        assert np.abs(field).max() > 0


def test_the_report_states_the_decode_error_of_the_file(
    predict: Predict, tiny_task: Path, output: Path, report_of: ReportOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[np.ndarray] = []
    original = Registrar.__call__
    monkeypatch.setattr(Registrar, "__call__", lambda *a: made.append(original(*a)) or made[-1])
    assert predict() == 0
    pairs = read_task(tiny_task).pairs
    for pair, record, wanted in zip(pairs, report_of(output).pairs, made, strict=True):
        error = np.abs(read_displacement(find_field(output, pair), SHAPE).displacement - wanted)
        assert record.decode_error_mean_vox == pytest.approx(error.mean(), rel=1e-3)
        assert record.decode_error_max_vox == pytest.approx(error.max(), rel=1e-3)


def test_bare_arguments_mean_predict(tiny_task: Path, output: Path, weights: Path, listing: Listing) -> None:
    words = [tiny_task, output, "--weights", weights, "--device", "cpu", "--profile", "l2r2021"]
    assert main([str(word) for word in words]) == 0
    assert listing(output) == [*NAMES, "report.json"]


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


def test_pairs_of_another_list(predict: Predict, output: Path, listing: Listing, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("fixed,moving\n1,2\n", encoding="utf-8")
    assert predict("--pairs", pairs) == 0
    assert listing(output) == ["disp_0001_0002.npz", "report.json"]


def test_of_many_failing_pairs_the_last_line_names_some(
    predict: Predict, tiny_task: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for path in (tiny_task / "imagesTr").iterdir():
        path.write_bytes(b"")
    monkeypatch.setattr("pipeline.predict.command._PAIRS_TOLD", 2)
    assert predict() == 1
    assert caplog.messages[-1] == "3 pairs failed: 0006_0000<--0007_0000, 0007_0000<--0008_0000 and 1 more"


def test_duplicate_pairs_are_done_once(
    predict: Predict, output: Path, listing: Listing, report_of: ReportOf, rewrite_task: Callable[..., None]
) -> None:
    pair = {"fixed": "imagesTr/TinyMR_0006_0000.nii.gz", "moving": "imagesTr/TinyMR_0007_0000.nii.gz"}
    rewrite_task(registration_val=[pair, pair])
    assert predict() == 0
    assert listing(output) == [NAMES[0], "report.json"]
    assert any("done once" in warning for warning in report_of(output).warnings)


def test_no_pairs(
    predict: Predict, output: Path, only_error_line: ErrorLine, rewrite_task: Callable[..., None]
) -> None:
    rewrite_task(registration_val=[])
    assert predict() == 3
    assert "no pairs" in only_error_line()
    assert not output.exists()


def test_cuda_without_a_gpu(
    predict: Predict, output: Path, only_error_line: ErrorLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert predict("--device", "cuda") == 2
    assert "--device cuda" in only_error_line()
    assert not output.exists()


def test_fields_do_not_go_among_the_images(
    tiny_task: Path, weights: Path, only_error_line: ErrorLine, listing: Listing
) -> None:
    images = next(path for path in tiny_task.iterdir() if path.name.startswith("images"))
    before = listing(images)
    assert main([str(tiny_task), str(images), "--weights", str(weights), "--device", "cpu"]) == 2
    assert "output is also an input" in only_error_line()
    assert listing(images) == before


def test_missing_task(output: Path, only_error_line: ErrorLine, tmp_path: Path) -> None:
    assert main([str(tmp_path / "nowhere"), str(output)]) == 2
    assert "nowhere" in only_error_line()


def test_no_weights_for_the_task(tiny_task: Path, output: Path, only_error_line: ErrorLine) -> None:
    assert main([str(tiny_task), str(output), "--device", "cpu"]) == 4
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


def test_a_link_in_place_of_the_kept_segmentations_is_not_followed(
    predict: Predict, output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Segmentations would be written, and temporary files swept, where it points to."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    output.mkdir()
    (output / ".segmentations").symlink_to(elsewhere)
    assert predict() == 5
    assert "the folder of kept segmentations is a symlink" in capsys.readouterr().err
    assert list(elsewhere.iterdir()) == []


def test_no_folder_of_segmentations(
    predict: Predict, tmp_path: Path, output: Path, only_error_line: ErrorLine
) -> None:
    assert predict("--segmentations", tmp_path / "nowhere") == 2
    assert "nowhere" in only_error_line()
    assert not output.exists()


def test_the_output_folder_of_another_task(
    predict: Predict,
    output: Path,
    only_error_line: ErrorLine,
    rewrite_task: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert predict() == 0
    before = {path.name: path.read_bytes() for path in output.glob("*.*") if path.is_file()}
    rewrite_task(name="OtherMR")
    capsys.readouterr()
    assert predict() == 2
    line = only_error_line()
    assert "TinyMR" in line
    assert "OtherMR" in line
    assert {path.name: path.read_bytes() for path in output.glob("*.*") if path.is_file()} == before


def test_header_text_stays_in_the_input(
    predict: Predict, tiny_task: Path, output: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tiny_task / "imagesTr" / "TinyMR_0006_0000.nii.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[148:158] = b"JANE DOE 7"  # descrip
    content[328:338] = b"JANE DOE 7"  # intent_name
    path.write_bytes(gzip.compress(bytes(content)))
    caplog.set_level("DEBUG")
    assert predict("--profile", "l2r2022") == 0
    assert "JANE" not in caplog.text
    for file in (path for path in output.rglob("*") if path.is_file()):
        raw = file.read_bytes()
        assert b"JANE" not in (gzip.decompress(raw) if file.suffix == ".gz" else raw)


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
@pytest.mark.parametrize("where", ["Registrar.__init__", "Bundle.build_volume_segmentor", "read_bundle"])
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

    monkeypatch.setattr(f"pipeline.predict.command.{where}", refuse)
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

    monkeypatch.setattr("pipeline.predict.command.Registrar.__init__", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        predict()
