"""The example of docs/adding-a-backbone.md runs, and its table has every backbone with its true figures."""

import doctest
from pathlib import Path

import pytest
import torch

from pipeline.config import RegistrationConfig
from pipeline.network.backbones.registry import BACKBONES, build_backbone
from pipeline.network.filters.heads import PlainHead

__all__: list[str] = []

PAGE = Path(__file__).resolve().parents[1] / "docs" / "adding-a-backbone.md"


def rows() -> dict[str, list[str]]:
    """The cells of each row behind the backbone's name."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first.strip("`"): rest for first, *rest in cells}


def test_the_example_runs() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_the_table_tells_the_truth(name: str) -> None:
    _, multiple, channels, parameters, _ = rows()[name]
    with torch.device("meta"):
        full = build_backbone(RegistrationConfig(backbone=name))
        modules = (full, PlainHead(full.out_channels, full.head_bias))
    assert multiple == str(full.size_multiple)
    assert channels.split(" / ")[0] == str(full.out_channels)
    assert parameters == f"{sum(p.numel() for m in modules for p in m.parameters()):,}"


@pytest.mark.parametrize("name", [name for name, cells in rows().items() if " / " in cells[2]])
def test_the_table_knows_the_channels_of_the_half_decoder(name: str) -> None:
    with torch.device("meta"):
        half = build_backbone(RegistrationConfig(backbone=name, decoder_stride=2))
    assert rows()[name][2].split(" / ")[1] == str(half.out_channels)
