"""`train` from images that are drawn from label maps, without any scan."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.config import TaskConfig
from pipeline.weights.bundle import read_bundle, write_bundle

__all__: list[str] = []

pytestmark = pytest.mark.slow

Train = Callable[..., int]
GRID = {"orientation": "RAS", "spacing_mm": (1.0, 1.0, 1.0)}
CROP = {"held_out": 1, "crop": (16, 16, 16)}


@pytest.fixture
def configure(tiny_config: TaskConfig, tmp_path: Path) -> Callable[..., Path]:
    def write(**changes: dict[str, Any]) -> Path:
        """The tiny configuration with fields of its sections changed."""
        document = tiny_config.model_dump(mode="json")
        for section, fields in changes.items():
            document[section] |= fields
        path = tmp_path / "drawn.json"
        path.write_text(json.dumps(document))
        return path

    return write


@pytest.fixture
def maps(tiny_task: Path) -> tuple[str, Path]:
    """The option; the task has no scans left."""
    shutil.rmtree(tiny_task / "imagesTr")
    return "--label-maps", tiny_task / "labelsTr"


def metrics(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.with_suffix(".metrics.jsonl").read_text().splitlines()]


def test_a_segmentor_needs_the_names_of_the_labels_and_their_maps(
    train: Train,
    configure: Callable[..., Path],
    maps: tuple[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "TinyMR.safetensors"
    path = configure(segmentor=GRID, segmentor_training=CROP)
    assert train("segmentor", out, "--config", path, *maps) == 0
    header = read_bundle(out).header
    assert header.config.segmentor.orientation == "RAS"
    assert header.training["segmentor"]["subjects"] == len(list(maps[1].iterdir())) - 1
    assert len(header.volumes_ml) == 3
    assert all(0 < low <= high for low, high in header.volumes_ml)
    # All that is not background holds the regions.
    assert header.volumes_ml[0][1] >= header.volumes_ml[1][1] + header.volumes_ml[2][0]
    assert metrics(out)[0]["held_out"].keys() == {"dice", "training_dice"}
    assert train("segmentor", out, *maps) == 2
    assert '`orientation: "RAS"` and `spacing_mm`' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("of_segmentor", "of_registration"),
    [("full", "full"), ("half", "half"), ("full", "half"), ("blocks", "half"), ("blocks", "full")],
)
def test_a_registration_needs_a_segmentor_besides(
    train: Train,
    configure: Callable[..., Path],
    maps: tuple[str, Path],
    tmp_path: Path,
    of_segmentor: str,
    of_registration: str,
) -> None:
    config = configure(
        segmentor=GRID | {"grid": of_segmentor, "network": "plainunet"},
        registration=GRID | {"grid": of_registration},
        segmentor_training=CROP,
        registration_training=CROP | {"held_out": 2, "augmentation": 0.5},
    )
    segmentor, out = tmp_path / "segmentor.safetensors", tmp_path / "TinyMR.safetensors"
    assert train("segmentor", segmentor, "--config", config, *maps) == 0
    assert train("registration", out, "--config", config, "--segmentor", segmentor, *maps) == 0
    header = read_bundle(out).header
    assert header.config.registration.orientation == "RAS"
    assert header.training.keys() == {"segmentor", "registration"}
    assert len(header.volumes_ml) == 3
    assert header.training["registration"]["subjects"] == len(list(maps[1].iterdir())) - 2
    assert metrics(out)[0]["held_out"].keys() == {"dice", "sdlogj", "folds"}


@pytest.mark.parametrize(
    ("changes", "options", "told"),
    [
        ({}, (), "`spacing_mm`, the maps' voxel sizes, in `registration`"),
        ({"registration": GRID | {"orientation": "LIA"}}, (), "got orientation LIA"),
        (
            {"registration": GRID, "segmentor": GRID | {"grid": "half"}},
            (),
            "expected `grid` of the registration 'half'",
        ),
        ({"registration": GRID, "segmentor": GRID | {"intensity": {"low": 5}}}, (), "expected `intensity`"),
        (
            {
                "registration": GRID,
                "segmentor": GRID | {"class_labels": [0, 1], "right_class_labels": [0, 4]},
            },
            (),
            "whose classes have no sides",
        ),
        ({"registration": GRID}, ("--segmentations", "labelsTr"), "--label-maps and --segmentations do not"),
        ({"registration": GRID}, ("--aux-task", ""), "--label-maps and --aux-task do not go together"),
    ],
)
def test_both_networks_must_see_the_drawn_images_alike(
    train: Train,
    configure: Callable[..., Path],
    tiny_task: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, dict[str, Any]],
    options: tuple[str, str] | tuple[()],
    told: str,
) -> None:
    config = configure(**{"segmentor": GRID} | changes)
    more = (options[0], tiny_task / options[1]) if options else ()
    words = ("--config", config, "--label-maps", tiny_task / "labelsTr", *more)
    assert train("registration", tmp_path / "a.safetensors", *words) == 2
    assert told in capsys.readouterr().err


def test_a_segmentor_starts_from_the_weights_of_another(
    train: Train, configure: Callable[..., Path], maps: tuple[str, Path], tmp_path: Path
) -> None:
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    # A rate of nearly nothing: what comes out is what went in, and not what a seed gives.
    still = CROP | {"learning_rate": 1e-12, "seed": 5}
    assert (
        train("segmentor", first, "--config", configure(segmentor=GRID, segmentor_training=CROP), *maps) == 0
    )
    config = configure(segmentor=GRID | {"overlap": 0.25}, segmentor_training=still)
    assert train("segmentor", second, "--config", config, *maps, "--from", first) == 0
    before, after = read_bundle(first), read_bundle(second)
    for name, value in before.segmentor.items():
        torch.testing.assert_close(after.segmentor[name], value, rtol=0, atol=1e-6)
    noted = after.header.training["segmentor"]["started_from"]
    assert (noted["sha256"], noted["steps"]) == (before.sha256, before.header.training["segmentor"]["steps"])


def test_blocks_are_begun_from_the_half_grid(
    train: Train, configure: Callable[..., Path], maps: tuple[str, Path], tmp_path: Path
) -> None:
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    half, blocks = (GRID | {"network": "plainunet", "grid": grid} for grid in ("half", "blocks"))
    config = configure(segmentor=half, segmentor_training=CROP)
    assert train("segmentor", first, "--config", config, *maps) == 0
    still = CROP | {"learning_rate": 1e-12, "seed": 5}
    config = configure(segmentor=blocks, segmentor_training=still)
    assert train("segmentor", second, "--config", config, *maps, "--from", first) == 0
    before, after = read_bundle(first).segmentor, read_bundle(second).segmentor
    name = "core.down.0.conv1.conv.weight"
    torch.testing.assert_close(after[name].sum(1), before[name].sum(1), rtol=1e-4, atol=1e-5)
    # Not the other way round: nothing is known of the means.
    config = configure(segmentor=half, segmentor_training=still)
    assert train("segmentor", first, "--config", config, *maps, "--from", second) == 4


def test_a_start_that_does_not_fit_is_refused(
    train: Train,
    configure: Callable[..., Path],
    maps: tuple[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    assert (
        train("segmentor", first, "--config", configure(segmentor=GRID, segmentor_training=CROP), *maps) == 0
    )
    wider = configure(segmentor=GRID | {"channels": [8, 16]}, segmentor_training=CROP)
    assert train("segmentor", second, "--config", wider, *maps, "--from", first) == 4
    assert "the segmentor to start from is another network" in capsys.readouterr().err
    whole = read_bundle(first)
    empty, damaged = tmp_path / "empty.safetensors", tmp_path / "damaged.safetensors"
    write_bundle(empty, replace(whole, segmentor={}))
    write_bundle(damaged, replace(whole, segmentor=dict(list(whole.segmentor.items())[1:])))
    own = configure(segmentor=GRID, segmentor_training=CROP)
    assert train("segmentor", second, "--config", own, *maps, "--from", empty) == 4
    assert "hold no segmentor" in capsys.readouterr().err
    assert train("segmentor", second, "--config", own, *maps, "--from", damaged) == 4
    assert capsys.readouterr().err.count("\n") == 1
    grids = configure(segmentor=GRID, registration=GRID)
    assert train("registration", second, "--config", grids, *maps, "--from", first) == 2
    assert "a registration starts from random weights" in capsys.readouterr().err
    assert not second.exists()
