"""What a registration learns from: pairs of segmented scans, changed at random, or of drawn images."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import torch

from pairs.errors import GridMismatch
from pipeline.config import RegistrationConfig, RegistrationTraining, TaskConfig
from pipeline.network.backbones.registry import build_backbone
from pipeline.network.warp import sample
from pipeline.train.augment import moved_labels, random_deformation, regreyed
from pipeline.train.pairing import Pairing, draw_pair, require_pairs, ring_of
from pipeline.train.segmented import SegmentedSample
from pipeline.train.subjects import Sample

__all__ = ["Group", "PairMaterial", "TrainingPair", "augmented_segmented", "multiple_of", "scanned_pairs"]


class TrainingPair(NamedTuple):
    """Two images of one shape; the network is told the regions of the fixed one alone."""

    fixed: SegmentedSample
    moving: Sample


class PairMaterial(NamedTuple):
    """Pairs on the grid of the network that learns, padded as it needs them."""

    draw: Callable[[torch.Generator], TrainingPair]
    """A pair to learn from."""
    held_out: Sequence[TrainingPair]
    """Some that are not learnt from."""


class Group(NamedTuple):
    """Training subjects that are paired among themselves: those of one task."""

    subjects: Sequence[SegmentedSample]
    pairing: Pairing


def scanned_pairs(
    groups: Sequence[Group],
    held_out: Sequence[SegmentedSample],
    config: TaskConfig,
) -> PairMaterial:
    """Pairs of scans.

    Args:
        groups: the subjects of each task on the network's grid, the task's own first. A task is drawn in
            proportion to its subjects, and an ordered pair of two different ones in it.
        held_out: subjects of the first task, paired in a ring: each moving onto the next.
        config: of the network, and how the images are changed, each apart from the other.

    Raises:
        GridMismatch: the subjects of a task differ in shape.
        UsageError: no two of a task's training images make a pair.
    """
    own, multiple = groups[0], multiple_of(config.registration)
    _require_one_shape([one.sample for one in (*own.subjects, *held_out)])
    for group in groups:
        _require_one_shape([one.sample for one in group.subjects])
        require_pairs([one.sample for one in group.subjects], group.pairing)
    groups = [Group([one.padded(multiple) for one in group.subjects], group.pairing) for group in groups]
    rest = [one.padded(multiple) for one in held_out]
    ring = ring_of([one.sample for one in rest], own.pairing)
    return PairMaterial(
        partial(_changed_pair, groups, config.registration_training),
        [TrainingPair(rest[fixed], rest[moving].sample) for moving, fixed in ring],
    )


def augmented_segmented(
    subject: SegmentedSample,
    generator: torch.Generator,
    strength: float,
    shift_vox: Sequence[float] = (0.0, 0.0, 0.0),
) -> SegmentedSample:
    """Does what `augmented` does; the segmentor's regions and confidence move with the image."""
    if strength == 0 and not any(shift_vox):
        return subject
    image = subject.sample.image
    deformation = random_deformation(image, generator, strength, shift_vox)
    # Zero is what sampling gives outside; there the background is certain, p = 1.
    moved = sample(torch.cat([image, subject.confidence[:, None] - 1], dim=1), deformation)
    indices = moved_labels(torch.cat([subject.sample.labels, subject.regions]), deformation)
    grey = regreyed(moved[:, :1], generator, strength)
    changed = replace(subject.sample, image=grey, labels=indices[:1])
    return SegmentedSample(changed, indices[1:], moved[:, 1] + 1)


def multiple_of(config: RegistrationConfig) -> int:
    """What every side of the network's input must divide by."""
    with torch.device("meta"):
        return build_backbone(config).size_multiple


def _changed_pair(
    groups: Sequence[Group], settings: RegistrationTraining, generator: torch.Generator
) -> TrainingPair:
    fixed, moving = (
        augmented_segmented(one, generator, settings.augmentation, settings.shift_vox)
        for one in _any_pair(groups, generator)
    )
    return TrainingPair(fixed, moving.sample)


def _any_pair(groups: Sequence[Group], generator: torch.Generator) -> tuple[SegmentedSample, SegmentedSample]:
    """Fixed and moving subject of one task."""
    group = groups[0]
    if len(groups) > 1:
        sizes = torch.tensor([float(len(one.subjects)) for one in groups])
        group = groups[int(torch.multinomial(sizes, 1, generator=generator))]
    images = [one.sample for one in group.subjects]
    fixed, moving = draw_pair(images, group.pairing, generator)
    return group.subjects[fixed], group.subjects[moving]


def _require_one_shape(samples: Sequence[Sample]) -> None:
    """Refuse subjects that cannot be paired voxel by voxel.

    Raises:
        GridMismatch: two of them differ in shape.
    """
    for other in samples[1:]:
        expected, got = samples[0].image.shape[2:], other.image.shape[2:]
        if got != expected:
            raise GridMismatch(
                "training subjects differ in shape",
                where=other.name,
                expected=tuple(expected),
                got=tuple(got),
                remedy="set `crop` in registration_training to a size that all of them have",
            )
