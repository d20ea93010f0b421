"""The header of a bundle: what does not fit is refused by the name of its field."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipeline.weights.bundle import HEADER_KEY, read_bundle
from tests.pipeline.weights.conftest import refuse, rewrite

__all__: list[str] = []


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "{", "{}"])
def test_header_that_is_no_bundle_header(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"text.vectors": torch.zeros(2)}, path, metadata={HEADER_KEY: text})
    refuse(path, "not a weights bundle")


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_other_format_version(written: Path, version: object) -> None:
    rewrite(written, lambda header: header.update(format_version=version))
    refuse(written, r"bundle format.*expected version 1")


ALTERATIONS: dict[str, Callable[[dict], object]] = {
    "task": lambda header: header.pop("task"),
    "colour": lambda header: header.update(colour="red"),
    "modality": lambda header: header.update(modality=3),
    "regions": lambda header: header.update(regions=[0, "spleen", 4]),
    "config.registration.start_channels": lambda h: h["config"]["registration"].update(start_channels=-1),
    "config.registration.depth": lambda h: h["config"]["registration"].update(depth=3),
    "config.segmentor.overlap": lambda h: h["config"]["segmentor"].update(overlap=1.0),
}


@pytest.mark.parametrize("field", ALTERATIONS)
def test_altered_header_is_refused_by_the_field(written: Path, field: str) -> None:
    rewrite(written, ALTERATIONS[field])
    refuse(written, f"header field '{field}")


def test_a_task_without_labels_has_the_background_alone(written: Path) -> None:
    alone = {"regions": [0], "region_names": ["background"], "prompts": []}
    rewrite(written, lambda header: header.update(alone))
    assert read_bundle(written).header.regions == (0,)


@pytest.mark.parametrize(
    "change",
    [
        {"regions": [0, 4, 1]},
        {"regions": [1, 2, 4]},
        {"regions": [0, 1, 1]},
        {"regions": [], "region_names": [], "prompts": []},
        {"regions": [0], "prompts": []},
        {"region_names": ["background", "left bean"]},
        {"prompts": ["background"]},
    ],
)
def test_header_whose_regions_do_not_fit_each_other(written: Path, change: dict[str, object]) -> None:
    rewrite(written, lambda header: header.update(change))
    refuse(written, "header field 'regions'")


@pytest.mark.parametrize("count", [2**25, 2**40, 2**63, 2**64 + 1, 10**300])
@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("segmentor", "residual_units"),
        ("segmentor", "channels"),
        ("segmentor", "roi"),
        ("segmentor", "class_labels"),
        ("registration", "start_channels"),
        ("registration", "mlp_width"),
        ("registration", "window"),
        ("registration", "passes"),
        ("segmentor_training", "crop"),
    ],
)
def test_sizes_that_no_network_has_are_refused_by_name(
    written: Path, section: str, name: str, count: int
) -> None:
    lists = {"channels": [8, count], "roi": [count] * 3, "window": [count] * 3, "crop": [count] * 3}
    lists["class_labels"] = [0, count if count > 2**31 else -1]
    rewrite(written, lambda header: header["config"][section].update({name: lists.get(name, count)}))
    refuse(written, f"header field 'config.{section}.{name}")


def test_more_regions_than_a_byte_tells_are_refused(written: Path) -> None:
    many = {"regions": list(range(257)), "region_names": ["x"] * 257, "prompts": []}
    rewrite(written, lambda header: header.update(many))
    refuse(written, "header field 'regions'")


def test_a_header_nested_without_end(written: Path) -> None:
    save_file({"text.vectors": torch.zeros(2)}, written, metadata={HEADER_KEY: "[" * 200_000})
    refuse(written, "not a weights bundle")
