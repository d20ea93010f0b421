"""Every form in which a challenge has called an image."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

__all__: list[str] = []

FIELD = "disp_9001_0000_9002_0000.nii.gz"


@pytest.fixture(scope="module")
def one_pair(demo_task: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo task with its first pair alone."""
    folder = tmp_path_factory.mktemp("one") / "task"
    shutil.copytree(demo_task, folder)
    path = folder / "HippocampusMR_dataset.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["registration_val"] = document["registration_val"][:1]
    document["numRegistration_val"] = 1
    path.write_text(json.dumps(document), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("entrypoint", "command", "target", "output"),
    [
        (None, [], "/input", "/output"),
        (None, ["/input", "/output"], "/input", "/output"),
        (None, ["predict", "/input", "/output", "--profile", "l2r2022"], "/input", "/output"),
        (None, ["-c", "/input/HippocampusMR_dataset.json"], "/input", "/output"),
        (None, ["-c", "/l2r/data/HippocampusMR_dataset.json"], "/l2r/data", "/l2r/output"),
        ("./test.sh", ["data/HippocampusMR_dataset.json", "0"], "/l2r/data", "/l2r/output"),
        (
            "/home/l2r/test.sh",
            ["/home/l2r/data/HippocampusMR_dataset.json"],
            "/home/l2r/data",
            "/home/l2r/output",
        ),
    ],
    ids=["bare", "folders", "verb", "c-json", "2022-c", "2022-test.sh", "2021-test.sh"],
)
def test_every_call_form_registers(
    contained: Callable,
    one_pair: Path,
    fields: Path,
    entrypoint: str | None,
    command: list[str],
    target: str,
    output: str,
) -> None:
    mounts = {one_pair: f"{target}:ro", fields: output}
    # Mount points below a read-only root are made by the engine.
    done = contained(*command, mounts=mounts, entrypoint=entrypoint)
    assert (done.code, done.err) == (0, "")
    assert (fields / FIELD).is_file()


def test_a_pair_list_beside_the_input_as_for_lumir(
    contained: Callable, one_pair: Path, fields: Path, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    shutil.copytree(one_pair / "imagesTr", images / "imagesTr")
    document = shutil.copy(one_pair / "HippocampusMR_dataset.json", tmp_path)
    mounts = {
        images: "/input:ro",
        fields: "/output",
        Path(document): "/HippocampusMR_dataset.json:ro",
    }
    done = contained(mounts=mounts)
    assert (done.code, done.err) == (0, "")
    assert (fields / FIELD).is_file()


def test_score_check_and_pack(contained: Callable, one_pair: Path, fields: Path) -> None:
    mounts = {one_pair: "/input:ro", fields: "/output"}
    assert contained("/input", "/output", mounts=mounts).code == 0
    sources = ("--task", "/input", "--fields", "/output")
    scored = contained("evaluate", *sources, "--json", "/output/metrics.json", mounts=mounts)
    assert scored.code == 0, scored.err
    assert json.loads((fields / "metrics.json").read_text(encoding="utf-8"))
    checked = contained("check", *sources, mounts=mounts)
    assert checked.code == 0, checked.out
    packed = contained("submit", *sources, "--zip", "/output/fields.zip", mounts=mounts)
    assert packed.code == 0, packed.err
    assert (fields / "fields.zip").is_file()


def test_info_names_the_weights_inside(contained: Callable) -> None:
    done = contained("info")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("task        HippocampusMR")


def test_mounted_weights_go_before_those_inside(contained: Callable, one_pair: Path, fields: Path) -> None:
    broken = one_pair.parent / "model"
    broken.mkdir(exist_ok=True)
    (broken / "HippocampusMR.safetensors").write_bytes(b"not weights")
    mounts = {one_pair: "/input:ro", fields: "/output", broken: "/opt/ml/model:ro"}
    done = contained("/input", "/output", mounts=mounts)
    assert done.code == 4
    assert "/opt/ml/model/HippocampusMR.safetensors" in done.error_line


@pytest.mark.parametrize("verb", ["train", "predict", "evaluate"])
def test_help_of_each_package(contained: Callable, verb: str) -> None:
    done = contained(verb, "--help")
    assert (done.code, done.err) == (0, "")
    assert verb in done.out


def test_text_vectors_need_an_image_with_open_clip(contained: Callable, one_pair: Path, fields: Path) -> None:
    mounts = {one_pair: "/input:ro", fields: "/output"}
    weights = ("--weights", "/input/HippocampusMR_dataset.json")
    options = ("--task", "/input", "--embedder", "open_clip", *weights, "--out", "/output/v")
    done = contained("embed", *options, mounts=mounts)
    assert done.code == 4
    assert "open_clip cannot be imported" in done.error_line
