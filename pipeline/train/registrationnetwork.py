"""`train registration`: backbone, MLP and region-free filter on pairs of training subjects."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import torch

from pairs.errors import GridMismatch
from pipeline.config import RegistrationTraining, TaskConfig
from pipeline.network.losses import one_hot, weighted_losses
from pipeline.network.model import RegistrationNet, build_for_training
from pipeline.network.warp import sample, warp
from pipeline.registration.preprocess import pad_to_multiple
from pipeline.train.ahead import Ahead
from pipeline.train.augment import moved_labels, random_deformation, regreyed
from pipeline.train.loop import Plan, item_generator, train
from pipeline.train.pairing import Pairing, any_two, draw_pair, require_pairs, ring_of
from pipeline.train.quality import hard_dice, smoothness_figures
from pipeline.train.ranks import ALONE, Ranks
from pipeline.train.stages import enter_stage, stage_steps
from pipeline.train.subjects import Sample, padded
from pipeline.typing import Float, Int, Tensor

__all__ = ["Group", "SegmentedSample", "augmented_segmented", "pair_losses", "train_registration"]


@dataclass(frozen=True)
class SegmentedSample:
    """A training subject with what the segmentor says of it.

    Attributes:
        sample: image and true labels; the labels serve the Dice loss only.
        regions: (1, X, Y, Z) int64 region indices from the segmentor, J of textSCF.
        confidence: (1, X, Y, Z) float32, p of Eq. 4.
    """

    sample: Sample
    regions: Int[Tensor, "1 X Y Z"]
    confidence: Float[Tensor, "1 X Y Z"]


class Group(NamedTuple):
    """Training subjects that are paired among themselves: those of one task."""

    subjects: Sequence[SegmentedSample]
    pairing: Pairing


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


def train_registration(
    config: TaskConfig,
    training: Sequence[SegmentedSample],
    held_out: Sequence[SegmentedSample],
    embeddings: Float[Tensor, "N C1"] | None,
    regions: int,
    plan: Plan,
    device: torch.device,
    pairing: Pairing = any_two,
    auxiliary: Sequence[Group] = (),
    ranks: Ranks = ALONE,
) -> RegistrationNet:
    """A trained registration network.

    Args:
        config: network and training settings of the task.
        training: subjects on the network's grid; every item is an ordered pair of two different ones.
        held_out: subjects paired in a ring (each moving onto the next) for the log.
        embeddings: region vectors for the text head; None trains the plain head.
        regions: N, background included.
        plan: length and files.
        device: where to train.
        pairing: which of the images make a pair.
        auxiliary: subjects of other tasks, each paired within its own task, their labels region indices of
            the same table. An item is of a task as often as the task has subjects.
        ranks: the processes that share the batch.

    Raises:
        GridMismatch: the subjects of a task differ in shape.
        UsageError: no two of a task's training images make a pair, or the configuration's stages do not fit
            its backbone.
    """
    groups = [Group(training, pairing), *auxiliary]
    _require_one_shape([one.sample for one in (*training, *held_out)])
    for group in groups:
        _require_one_shape([one.sample for one in group.subjects])
        require_pairs([one.sample for one in group.subjects], group.pairing)
    settings = config.registration_training
    torch.manual_seed(settings.seed)
    precision = getattr(torch, settings.precision)
    net = build_for_training(config.registration, embeddings, precision).to(device)
    plan = replace(plan, stages=stage_steps(net.backbone, settings, plan.steps), batch=settings.batch)
    multiple = net.backbone.size_multiple
    held_out = [_padded(one, multiple) for one in held_out]
    groups = [Group([_padded(one, multiple) for one in group.subjects], group.pairing) for group in groups]

    def losses_of(item: int) -> dict[str, Tensor]:
        enter_stage(net, plan, settings, plan.step_of(item))
        # Stochastic depth draws from torch's own generator, which a resumed training finds elsewhere.
        torch.manual_seed(item_generator(settings.seed, item).initial_seed())
        fixed, moving, passes = drawn(item)
        return pair_losses(net, moving, fixed, passes, config, regions, device)

    def validate() -> dict[str, float]:
        ring = ring_of([one.sample for one in held_out], pairing)
        figures = [_figures(net, held_out[m], held_out[f], regions, device) for m, f in ring]
        return {key: sum(f[key] for f in figures) / len(figures) for key in figures[0]} if figures else {}

    with Ahead(partial(_draw, groups, settings), ranks.share(plan.all_items), device) as drawn:
        train(net, plan, losses_of, validate, ranks)
    return net


def _draw(
    groups: Sequence[Group], settings: RegistrationTraining, item: int
) -> tuple[SegmentedSample, SegmentedSample, int]:
    """Fixed and moving image of an item, and the number of its passes."""
    generator = item_generator(settings.seed, item)
    fixed, moving = (
        augmented_segmented(one, generator, settings.augmentation, settings.shift_vox)
        for one in _drawn_pair(groups, generator)
    )
    # Every pass learns what the passes before it leave over.
    return fixed, moving, 1 + int(torch.randint(settings.passes, (), generator=generator))


def _drawn_pair(
    groups: Sequence[Group], generator: torch.Generator
) -> tuple[SegmentedSample, SegmentedSample]:
    """Fixed and moving image of one task; a task is drawn in proportion to its images."""
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


def _padded(one: SegmentedSample, multiple: int) -> SegmentedSample:
    """Padded behind; the segmentor says nothing there, so p = 0 as in a prediction."""
    regions, confidence = (pad_to_multiple(part[None], multiple)[0] for part in (one.regions, one.confidence))
    return SegmentedSample(padded(one.sample, multiple), regions, confidence)


def pair_losses(
    net: RegistrationNet,
    moving: SegmentedSample,
    fixed: SegmentedSample,
    passes: int,
    config: TaskConfig,
    regions: int,
    device: torch.device,
) -> dict[str, Tensor]:
    """The weighted losses of one pair; the true labels serve the Dice term."""
    moving_image, fixed_image = moving.sample.image.to(device), fixed.sample.image.to(device)
    output = net(moving_image, fixed_image, fixed.regions.to(device), fixed.confidence.to(device), passes)
    channels = torch.cat([moving_image, one_hot(moving.sample.labels.to(device), regions)], dim=1)
    warped = warp(channels, output.displacement)
    target = one_hot(fixed.sample.labels.to(device), regions)
    return weighted_losses(
        warped, fixed_image, target, output.displacement, output.regularised, config.registration_training
    )


def _figures(
    net: RegistrationNet, moving: SegmentedSample, fixed: SegmentedSample, regions: int, device: torch.device
) -> dict[str, float]:
    output = net(
        moving.sample.image.to(device),
        fixed.sample.image.to(device),
        fixed.regions.to(device),
        fixed.confidence.to(device),
    )
    smoothness = smoothness_figures(output.displacement)
    if regions == 1:
        difference = warp(moving.sample.image.to(device), output.displacement) - fixed.sample.image.to(device)
        return {"mse": difference.square().mean().item()} | smoothness
    labels = moving.sample.labels[:, None].float().to(device)
    warped = warp(labels, output.displacement, mode="nearest")[:, 0].round().long()
    return {"dice": hard_dice(warped, fixed.sample.labels.to(device), regions)} | smoothness
