"""`train segmentor`: the segmentation network on the labelled training subjects."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import nn

from pipeline.config import TaskConfig
from pipeline.machine.device import mixed_precision
from pipeline.regions.blocks import BLOCK, BlockGrid, in_blocks
from pipeline.regions.networks import HalfGrid, build_network, segmentation_loss
from pipeline.train.ahead import Ahead
from pipeline.train.loop import Plan, item_generator, train
from pipeline.train.material import Material
from pipeline.train.quality import hard_dice
from pipeline.train.ranks import ALONE, Ranks
from pipeline.train.start import begun
from pipeline.train.subjects import Sample
from pipeline.typing import Float, Int, Tensor

__all__ = ["train_segmentor"]


def train_segmentor(
    config: TaskConfig,
    material: Material,
    regions: int,
    plan: Plan,
    device: torch.device,
    ranks: Ranks = ALONE,
    start: Mapping[str, Tensor] | None = None,
) -> nn.Module:
    """A trained network, (1, 1, X, Y, Z) in 0..1 to (1, regions, X, Y, Z) logits.

    Args:
        config: network and training settings of the task.
        material: what to learn from; the mean Dice of what is held out goes into the log.
        regions: classes, background included.
        plan: length and files.
        device: where to train.
        ranks: the processes that share the batch.
        start: state to begin with; None are random weights.
    """
    settings = config.segmentor_training
    precision = getattr(torch, settings.precision)
    torch.manual_seed(settings.seed)
    network = build_network(config.segmentor, regions).to(device)
    if start is not None:
        network.load_state_dict(begun(network, start))
    plan = replace(plan, batch=settings.batch)
    loss = segmentation_loss()
    learner = network.core if isinstance(network, HalfGrid) else network

    def losses_of(item: int) -> dict[str, Tensor]:
        subject = drawn(item)
        image, labels = subject.image.to(device), subject.labels[:, None].to(device)
        with mixed_precision(device, precision):
            levels, targets = _levels_and_targets(learner, image, labels, item)
        return {"dice_ce": _supervised(loss, levels, targets)}

    def validate() -> dict[str, float]:
        if not material.held_out:
            return {}
        figures = {"dice": _mean_dice(learner, material.held_out, regions, device)}
        # The gap to subjects it was trained on distinguishes over-fitting from under-training.
        return figures | {"training_dice": _mean_dice(learner, material.seen, regions, device)}

    def draw(item: int) -> Sample:
        return material.draw(item_generator(settings.seed, item))

    with Ahead(draw, ranks.share(plan.all_items), device) as drawn:
        train(learner, plan, losses_of, validate, ranks)
    return network


def _levels_and_targets(
    learner: nn.Module, image: Float[Tensor, "1 1 X Y Z"], labels: Int[Tensor, "1 1 X Y Z"], item: int
) -> tuple[list[Tensor], list[Tensor]]:
    """Logits of each level that a network has, finest first, and the labels of the same voxels.

    Of a network of blocks the finest level says what one voxel of each block is, in turn from item to item.
    """
    if isinstance(learner, BlockGrid):
        voxel, blocks = item % BLOCK, in_blocks(labels)
        levels, finest, first = learner.levels(image, voxel), blocks[:, voxel, None], blocks[:, 0, None]
    else:
        logits = learner(image)
        levels = logits if isinstance(logits, list) else [logits]
        finest = first = labels
    strides = [2**level for level in range(1, len(levels))]
    return levels, [finest, *(first[..., ::step, ::step, ::step] for step in strides)]


def _supervised(loss: nn.Module, levels: Sequence[Tensor], targets: Sequence[Tensor]) -> Float[Tensor, ""]:
    """The mean loss over the levels, each half the weight of the finer; targets are (1, 1, U, V, W)."""
    weights = [0.5**level for level in range(len(levels))]
    losses = [
        weight * loss(logits.float(), labels)
        for weight, logits, labels in zip(weights, levels, targets, strict=True)
    ]
    return torch.stack(losses).sum() / sum(weights)


def _mean_dice(network: nn.Module, subjects: Sequence[Sample], regions: int, device: torch.device) -> float:
    values = [
        hard_dice(network(s.image.to(device)).argmax(1), s.labels.to(device), regions) for s in subjects
    ]
    return sum(values) / len(values)
