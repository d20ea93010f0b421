"""Training of the segmentation network on made-up subjects."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import nn

from pairs.errors import Stopped
from pipeline.config import SegmentorConfig, SegmentorTraining, TaskConfig
from pipeline.regions.networks import build_network
from pipeline.train import loop
from pipeline.train.loop import Plan
from pipeline.train.material import scanned_material
from pipeline.train.quality import hard_dice
from pipeline.train.segmentor import train_segmentor
from pipeline.train.subjects import Sample

__all__: list[str] = []

CONFIG = TaskConfig(
    task="Toy",
    segmentor=SegmentorConfig(channels=(4, 8), residual_units=1),
    segmentor_training=SegmentorTraining(seed=3),
)


def subject(number: int, shape: tuple[int, int, int] = (16, 16, 16)) -> Sample:
    """A bright cube that sits elsewhere in each subject, on dark noise."""
    start = 3 + number % 4
    labels = torch.zeros(1, *shape, dtype=torch.int64)
    labels[:, start : start + 7, 4:12, 5:12] = 1
    noise = torch.rand(1, 1, *shape, generator=torch.Generator().manual_seed(number))
    return Sample(str(number), 0.8 * labels[:, None] + 0.2 * noise, labels)


SUBJECTS = [subject(number) for number in range(4)]


@pytest.fixture
def trained(device: torch.device) -> Callable[..., dict[str, torch.Tensor]]:
    def make(
        out: Path, steps: int = 3, training: Sequence[Sample] = SUBJECTS[:3], held_out: Sequence[Sample] = ()
    ) -> dict[str, torch.Tensor]:
        plan = Plan(out, steps, learning_rate=1e-2, power=0.9, validate_every=10, fingerprint="mine")
        network: nn.Module = train_segmentor(
            CONFIG, scanned_material(CONFIG, training, held_out), 2, plan, device
        )
        return network.state_dict()

    return make


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[key], other[key]) for key in one)


def last_line(out: Path) -> dict:
    return json.loads(out.with_suffix(".metrics.jsonl").read_text().splitlines()[-1])


def test_an_interrupted_training_ends_with_the_same_weights(
    trained: Callable[..., dict[str, torch.Tensor]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unbroken = trained(tmp_path / "unbroken")
    with monkeypatch.context() as during:
        asked = iter([False, False, True, True])
        during.setattr(loop, "stop_requested", lambda: next(asked))
        with pytest.raises(Stopped):
            trained(tmp_path / "broken")
    torch.manual_seed(99)
    assert equal(trained(tmp_path / "broken"), unbroken)


def test_it_learns_to_see_the_cube(trained: Callable[..., dict[str, torch.Tensor]], tmp_path: Path) -> None:
    out = tmp_path / "a.safetensors"
    trained(out, steps=40, held_out=SUBJECTS[3:])
    line = last_line(out)
    assert line["losses"].keys() == {"dice_ce"}
    assert line["held_out"]["dice"] > 0.7
    assert line["held_out"]["training_dice"] > 0.7


def test_held_out_subjects_leave_no_trace_in_the_weights(
    trained: Callable[..., dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    assert equal(trained(tmp_path / "a"), trained(tmp_path / "b", held_out=SUBJECTS[3:]))


def test_without_held_out_subjects_no_figures_are_made_up(
    trained: Callable[..., dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    trained(tmp_path / "a.safetensors")
    assert last_line(tmp_path / "a.safetensors")["held_out"] == {}


def test_odd_sides_and_different_shapes_are_padded(
    trained: Callable[..., dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    odd = [subject(0, (13, 15, 14)), subject(1, (16, 17, 13))]
    state = trained(tmp_path / "a", training=odd, held_out=odd)
    assert all(value.isfinite().all() for value in state.values())


def test_on_the_half_grid_it_learns_what_it_is_then_used_for(device: torch.device, tmp_path: Path) -> None:
    config = TaskConfig(
        task="Toy",
        segmentor=SegmentorConfig(channels=(4, 8), residual_units=1, grid="half"),
        segmentor_training=SegmentorTraining(seed=3, augmentation=0),
    )
    plan = Plan(tmp_path / "half", 80, learning_rate=1e-2, power=0.9, validate_every=80, fingerprint="half")
    network = train_segmentor(config, scanned_material(config, SUBJECTS[:3], SUBJECTS[3:]), 2, plan, device)
    one = SUBJECTS[3]
    with torch.no_grad():
        found = network.eval()(one.image).argmax(1)
    assert found.shape == one.labels.shape
    # Cubes of 7 voxels lie askew on the half grid, so that more than 0.8 is not to be had.
    assert hard_dice(found, one.labels, 2) > 0.6


@pytest.mark.slow
def test_the_plain_unet_learns_at_every_level(device: torch.device, tmp_path: Path) -> None:
    config = TaskConfig(
        task="Toy",
        segmentor=SegmentorConfig(network="plainunet", channels=(4, 8, 8)),
        segmentor_training=SegmentorTraining(seed=3, augmentation=0.3, greys="scanner", batch=2),
    )
    plan = Plan(tmp_path / "a", 25, 1e-2, 0.9, 25, "plain", schedule="cosine", warm_up=2, average=0.8)
    start = build_network(config.segmentor, 2).state_dict()
    network = train_segmentor(config, scanned_material(config, SUBJECTS[:3], SUBJECTS[3:]), 2, plan, device)
    assert last_line(tmp_path / "a")["held_out"]["dice"] > 0.7
    assert all(
        not value.equal(start[name]) for name, value in network.state_dict().items() if "logits" in name
    )


def test_a_step_of_a_batch_is_the_mean_over_its_subjects(device: torch.device, tmp_path: Path) -> None:
    """One subject drawn twice gives the step of drawing it once, and odd shapes meet in one batch."""
    steps = []
    for batch in (1, 2):
        config = CONFIG.model_copy(
            update={"segmentor_training": SegmentorTraining(seed=3, augmentation=0, batch=batch)}
        )
        plan = Plan(tmp_path / str(batch), 2, 1e-2, 0.9, 10, "batch")
        material = scanned_material(config, SUBJECTS[:1], ())
        steps.append(train_segmentor(config, material, 2, plan, device).state_dict())
    assert all(torch.allclose(one, steps[1][name], atol=1e-5) for name, one in steps[0].items())
    odd = [subject(0, (13, 15, 14)), subject(1, (16, 17, 13))]
    plan = Plan(tmp_path / "odd", 3, 1e-2, 0.9, 10, "batch")
    config = CONFIG.model_copy(update={"segmentor_training": SegmentorTraining(batch=2, augmentation=0)})
    state = train_segmentor(config, scanned_material(config, odd, ()), 2, plan, device).state_dict()
    assert all(value.isfinite().all() for value in state.values())
