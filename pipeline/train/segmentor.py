"""`train segmentor`: the segmentation network on the labelled training subjects."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from pipeline.config import SegmentorConfig, SegmentorTraining, TaskConfig
from pipeline.machine.device import mixed_precision
from pipeline.regions.networks import HalfGrid, build_network, padded_for, segmentation_loss
from pipeline.train.ahead import Ahead
from pipeline.train.augment import Greys, augmented, regreyed
from pipeline.train.loop import Plan, step_generator, train
from pipeline.train.quality import hard_dice
from pipeline.train.scanner import rescanned
from pipeline.train.subjects import Sample, halved_sample
from pipeline.typing import Float, Int, Tensor

__all__ = ["train_segmentor"]

GREYS: dict[str, Greys] = {"smooth": regreyed, "scanner": rescanned}


def train_segmentor(
    config: TaskConfig,
    training: Sequence[Sample],
    held_out: Sequence[Sample],
    regions: int,
    plan: Plan,
    device: torch.device,
) -> nn.Module:
    """A trained network, (1, 1, X, Y, Z) in 0..1 to (1, regions, X, Y, Z) logits.

    Args:
        config: network and training settings of the task.
        training: subjects to learn from, augmented.
        held_out: subjects whose mean Dice goes into the log.
        regions: classes, background included.
        plan: length and files.
        device: where to train.
    """
    settings = config.segmentor_training
    precision = getattr(torch, settings.precision)
    torch.manual_seed(settings.seed)
    network = build_network(config.segmentor, regions).to(device)
    loss = segmentation_loss()
    training, held_out = ([_padded(s, config.segmentor) for s in part] for part in (training, held_out))
    learner = network
    if isinstance(network, HalfGrid):
        # It learns on its own grid: interpolated logits would cost more than the network.
        learner = network.core
        training, held_out = ([halved_sample(s) for s in part] for part in (training, held_out))

    def losses_of(step: int) -> dict[str, Tensor]:
        losses = []
        # One after the other, since subjects may differ in shape.
        for subject in drawn(step):
            with mixed_precision(device, precision):
                logits = learner(subject.image.to(device))
            losses.append(_supervised(loss, logits, subject.labels[:, None].to(device)))
        return {"dice_ce": torch.stack(losses).mean()}

    def validate() -> dict[str, float]:
        if not held_out:
            return {}
        figures = {"dice": _mean_dice(learner, held_out, regions, device)}
        # The gap to subjects it was trained on distinguishes over-fitting from under-training.
        return figures | {"training_dice": _mean_dice(learner, training[: len(held_out)], regions, device)}

    with Ahead(partial(_draw, training, settings), plan.steps, device) as drawn:
        train(learner, plan, losses_of, validate)
    return network


def _draw(training: Sequence[Sample], settings: SegmentorTraining, step: int) -> list[Sample]:
    """The batch of a step, augmented; a subject may be in it twice."""
    generator = step_generator(settings.seed, step)
    subjects = []
    for _ in range(settings.batch):
        one = training[int(torch.randint(len(training), (), generator=generator))]
        subjects.append(augmented(one, generator, settings.augmentation, GREYS[settings.greys]))
    return subjects


def _supervised(
    loss: nn.Module, logits: Tensor | list[Tensor], labels: Int[Tensor, "1 1 X Y Z"]
) -> Float[Tensor, ""]:
    """The loss; its mean over the levels of a network that has several, each half the weight of the finer."""
    levels = logits if isinstance(logits, list) else [logits]
    weights = [0.5**level for level in range(len(levels))]
    losses = [
        weight * loss(one.float(), labels[..., :: 2**level, :: 2**level, :: 2**level])
        for level, (weight, one) in enumerate(zip(weights, levels, strict=True))
    ]
    return torch.stack(losses).sum() / sum(weights)


def _padded(sample: Sample, config: SegmentorConfig) -> Sample:
    image, labels = (padded_for(config, part) for part in (sample.image, sample.labels[None]))
    return replace(sample, image=image, labels=labels[0])


def _mean_dice(network: nn.Module, subjects: Sequence[Sample], regions: int, device: torch.device) -> float:
    values = [
        hard_dice(network(s.image.to(device)).argmax(1), s.labels.to(device), regions) for s in subjects
    ]
    return sum(values) / len(values)
