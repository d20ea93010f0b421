"""Training of the registration network on made-up subjects of 16 voxels a side."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pipeline.network.model import RegistrationNet
from tests.pipeline.train.conftest import equal
from tests.pipeline.train.cubes import CUBES, cube, toy_config

__all__: list[str] = []

pytestmark = pytest.mark.slow


def test_training_is_reproducible_and_follows_its_seed(
    trained: Callable[..., RegistrationNet], tmp_path: Path
) -> None:
    first = trained(tmp_path / "a")
    torch.manual_seed(5)
    assert equal(trained(tmp_path / "b"), first)
    assert not equal(trained(tmp_path / "c", settings=toy_config(seed=1)), first)


def test_training_moves_the_cubes_onto_each_other(
    trained: Callable[..., RegistrationNet], tmp_path: Path
) -> None:
    """Either direction of the pair has a region of its own, so its filter alone can tell where to go."""
    pair = [
        replace(one, regions=torch.full_like(one.regions, region), confidence=torch.ones_like(one.confidence))
        for region, one in ((1, cube(0)), (2, cube(2)))
    ]
    trained(tmp_path / "a.safetensors", pair, pair, steps=80)
    lines = [json.loads(line) for line in (tmp_path / "a.metrics.jsonl").read_text().splitlines()]
    # One cube of seven voxels lies two voxels behind the other.
    assert lines[0]["held_out"]["dice"] == pytest.approx(5 / 7, abs=0.05)
    assert lines[-1]["held_out"]["dice"] > 0.8


def test_held_out_subjects_leave_no_trace_in_the_weights(
    trained: Callable[..., RegistrationNet], tmp_path: Path
) -> None:
    without = trained(tmp_path / "a", held_out=())
    assert equal(trained(tmp_path / "b", held_out=CUBES[2:]), without)


def test_every_number_of_passes_is_drawn(
    trained: Callable[..., RegistrationNet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    forward = RegistrationNet.forward

    def watch(net: RegistrationNet, *inputs: torch.Tensor) -> object:
        drawn.append(inputs[4])
        return forward(net, *inputs)

    monkeypatch.setattr(RegistrationNet, "forward", watch)
    trained(tmp_path / "a", settings=toy_config(passes=3), steps=20)
    assert set(drawn) == {1, 2, 3}


def test_true_labels_reach_the_network_through_the_dice_loss_only(
    trained: Callable[..., RegistrationNet], tmp_path: Path
) -> None:
    lying = [cube(number, relabel=True) for number in range(3)]
    honest = trained(tmp_path / "a", settings=toy_config(dice=0))
    assert equal(trained(tmp_path / "b", lying, settings=toy_config(dice=0)), honest)
    assert not equal(trained(tmp_path / "c", lying), trained(tmp_path / "d"))


def test_regions_and_confidence_of_the_fixed_image_are_what_the_network_sees(
    trained: Callable[..., RegistrationNet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    forward = RegistrationNet.forward

    def watch(net: RegistrationNet, *inputs: torch.Tensor) -> object:
        seen.append(inputs)
        return forward(net, *inputs)

    monkeypatch.setattr(RegistrationNet, "forward", watch)
    trained(tmp_path / "a", [cube(n, relabel=True) for n in range(3)], steps=4)
    assert len(seen) == 4
    for moving, fixed, mask, confidence, passes in seen:
        assert passes == 1
        assert torch.equal(mask[:, None], (fixed > 0.5).long())
        assert confidence.unique().tolist() == pytest.approx([0.9])
        assert not torch.equal(moving, fixed)


def test_losses_in_the_log_are_those_of_the_paper(
    trained: Callable[..., RegistrationNet], tmp_path: Path
) -> None:
    trained(tmp_path / "a.safetensors", held_out=CUBES[2:], steps=2)
    (line,) = [json.loads(line) for line in (tmp_path / "a.metrics.jsonl").read_text().splitlines()]
    assert line["losses"].keys() == {"similarity", "dice", "smoothness"}
    assert line["held_out"].keys() == {"dice", "sdlogj", "folds"}


def test_one_held_out_subject_makes_no_pair(trained: Callable[..., RegistrationNet], tmp_path: Path) -> None:
    trained(tmp_path / "a.safetensors", held_out=CUBES[3:], steps=2)
    (line,) = [json.loads(line) for line in (tmp_path / "a.metrics.jsonl").read_text().splitlines()]
    assert line["held_out"] == {}


def test_sides_that_are_no_multiple_are_padded(
    trained: Callable[..., RegistrationNet], tmp_path: Path
) -> None:
    odd = [cube(number, (16, 20, 14)) for number in range(3)]
    net = trained(tmp_path / "a", odd, odd[:2], steps=2)
    assert all(p.isfinite().all() for p in net.parameters())
