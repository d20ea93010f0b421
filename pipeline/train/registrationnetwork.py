"""`train registration`: backbone, MLP and region-free filter on pairs of training subjects."""

from dataclasses import replace
from functools import partial

import torch

from pipeline.config import RegistrationTraining, TaskConfig
from pipeline.network.losses import one_hot, weighted_losses
from pipeline.network.model import RegistrationNet, build_for_training
from pipeline.network.warp import warp
from pipeline.train.ahead import Ahead
from pipeline.train.loop import Plan, item_generator, train
from pipeline.train.pairs import PairMaterial, TrainingPair
from pipeline.train.quality import hard_dice, smoothness_figures
from pipeline.train.ranks import ALONE, Ranks
from pipeline.train.stages import enter_stage, stage_steps
from pipeline.typing import Float, Tensor

__all__ = ["pair_losses", "train_registration"]


def train_registration(
    config: TaskConfig,
    material: PairMaterial,
    embeddings: Float[Tensor, "N C1"] | None,
    regions: int,
    plan: Plan,
    device: torch.device,
    ranks: Ranks = ALONE,
) -> RegistrationNet:
    """A trained registration network.

    Args:
        config: network and training settings of the task.
        material: what to learn from; figures of the pairs that are held out go into the log.
        embeddings: region vectors for the text head; None trains the plain head.
        regions: N, background included.
        plan: length and files.
        device: where to train.
        ranks: the processes that share the batch.

    Raises:
        UsageError: the configuration's stages do not fit its backbone.
    """
    settings = config.registration_training
    torch.manual_seed(settings.seed)
    precision = getattr(torch, settings.precision)
    net = build_for_training(config.registration, embeddings, precision).to(device)
    plan = replace(plan, stages=stage_steps(net.backbone, settings, plan.steps), batch=settings.batch)

    def losses_of(item: int) -> dict[str, Tensor]:
        enter_stage(net, plan, settings, plan.step_of(item))
        # Stochastic depth draws from torch's own generator, which a resumed training finds elsewhere.
        torch.manual_seed(item_generator(settings.seed, item).initial_seed())
        pair, passes = drawn(item)
        return pair_losses(net, pair, passes, config, regions, device)

    def validate() -> dict[str, float]:
        figures = [_figures(net, pair, regions, device) for pair in material.held_out]
        return {key: sum(f[key] for f in figures) / len(figures) for key in figures[0]} if figures else {}

    draw = partial(_pair_and_passes, material, settings)
    with Ahead(draw, ranks.share(plan.all_items), device) as drawn:
        train(net, plan, losses_of, validate, ranks)
    return net


def _pair_and_passes(
    material: PairMaterial, settings: RegistrationTraining, item: int
) -> tuple[TrainingPair, int]:
    """The pair of an item, and the number of its passes."""
    generator = item_generator(settings.seed, item)
    pair = material.draw(generator)
    # Every pass learns what the passes before it leave over.
    return pair, 1 + int(torch.randint(settings.passes, (), generator=generator))


def pair_losses(
    net: RegistrationNet,
    pair: TrainingPair,
    passes: int,
    config: TaskConfig,
    regions: int,
    device: torch.device,
) -> dict[str, Tensor]:
    """The weighted losses of one pair; the true labels serve the Dice term."""
    fixed, moving = pair
    moving_image, fixed_image = moving.image.to(device), fixed.sample.image.to(device)
    output = net(moving_image, fixed_image, fixed.regions.to(device), fixed.confidence.to(device), passes)
    channels = torch.cat([moving_image, one_hot(moving.labels.to(device), regions)], dim=1)
    warped = warp(channels, output.displacement)
    target = one_hot(fixed.sample.labels.to(device), regions)
    return weighted_losses(
        warped, fixed_image, target, output.displacement, output.regularised, config.registration_training
    )


def _figures(
    net: RegistrationNet, pair: TrainingPair, regions: int, device: torch.device
) -> dict[str, float]:
    fixed, moving = pair
    output = net(
        moving.image.to(device),
        fixed.sample.image.to(device),
        fixed.regions.to(device),
        fixed.confidence.to(device),
    )
    smoothness = smoothness_figures(output.displacement)
    if regions == 1:
        difference = warp(moving.image.to(device), output.displacement) - fixed.sample.image.to(device)
        return {"mse": difference.square().mean().item()} | smoothness
    labels = moving.labels[:, None].float().to(device)
    warped = warp(labels, output.displacement, mode="nearest")[:, 0].round().long()
    return {"dice": hard_dice(warped, fixed.sample.labels.to(device), regions)} | smoothness
