"""Subjects of 16 voxels a side with a bright cube, and registration networks trained on them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from pipeline.config import RegistrationConfig, RegistrationTraining, TaskConfig
from pipeline.network.model import RegistrationNet
from pipeline.train.loop import Plan
from pipeline.train.pairing import any_two
from pipeline.train.pairs import Group, scanned_pairs
from pipeline.train.registrationnetwork import train_registration
from pipeline.train.segmented import SegmentedSample
from pipeline.train.subjects import Sample

# The fixture; functions are imported by their names.
__all__ = ["trained"]

SIDE = 16


def toy_config(**training: float | str) -> TaskConfig:
    return TaskConfig(
        task="Toy",
        registration=RegistrationConfig(start_channels=2, mlp_width=4),
        registration_training=RegistrationTraining(**training),
    )


def cube(number: int, shape: tuple[int, int, int] = (SIDE,) * 3, *, relabel: bool = False) -> SegmentedSample:
    """A bright cube that sits elsewhere in each subject; the segmentor knows it with p = 0.9."""
    start = 3 + number % 4
    labels = torch.zeros(1, *shape, dtype=torch.int64)
    labels[:, start : start + 7, 4:12, 5:12] = 1
    noise = torch.rand(1, 1, *shape, generator=torch.Generator().manual_seed(number))
    image = 0.8 * labels[:, None] + 0.2 * noise
    mask = labels.clone()
    if relabel:
        labels = labels.roll(3, dims=2)
    return SegmentedSample(Sample(str(number), image, labels), mask, torch.full((1, *shape), 0.9))


CUBES = [cube(number) for number in range(4)]


def plan_of(out: Path, steps: int, rate: float = 5e-3) -> Plan:
    return Plan(out, steps, learning_rate=rate, power=0.9, validate_every=2, fingerprint="mine")


@pytest.fixture
def trained(device: torch.device) -> Callable[..., RegistrationNet]:
    def make(
        out: Path,
        training: Sequence[SegmentedSample] = CUBES[:3],
        held_out: Sequence[SegmentedSample] = (),
        *,
        settings: TaskConfig | None = None,
        steps: int = 3,
        head: str = "text",
    ) -> RegistrationNet:
        vectors = torch.randn(3, 5, generator=torch.Generator().manual_seed(0)) if head == "text" else None
        config = settings or toy_config()
        material = scanned_pairs([Group(training, any_two)], held_out, config)
        return train_registration(config, material, vectors, 3, plan_of(out, steps), device)

    return make
