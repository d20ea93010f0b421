"""The trainings of the discontinuity probe: the project's own network, losses and loop on drawn pairs."""

from dataclasses import replace
from pathlib import Path

import torch

from pipeline.config import LossConfig, TaskConfig
from pipeline.network.losses import one_hot, weighted_losses
from pipeline.network.model import RegistrationNet, build_for_training
from pipeline.network.warp import warp
from pipeline.train.checkpoint import fingerprint_of
from pipeline.train.loop import Plan, item_generator, train
from pipeline.train.pairs import TrainingPair
from pipeline.train.registrationnetwork import pair_losses
from pipeline.typing import Float, Tensor
from pipeline.weights.tensorfile import read_own, write_tensors
from studies import sliding
from studies.sliding import REGIONS, SlidingPair, draw_sliding_pair

__all__ = ["METHODS", "best_of_losses", "displacement_of", "trained", "with_one_region"]

METHODS = {"text": "with filters", "plain": "without filters"}
"""Heads, as the configuration names them."""
HEADER_KEY = "textscf_probe"
CPU = torch.device("cpu")
DESCENT_STEPS = 200
DESCENT_RATE_VOX = 0.03


def trained(config: TaskConfig, folder: Path, *, one_sense: bool = False) -> RegistrationNet:
    """The network of the configuration, trained on a fresh pair a step; a finished one is read again.

    Pairs depend on the seed and the step only, so every head sees the same ones.

    Args:
        config: network and training.
        folder: for the trained weights, the checkpoint and the log of losses.
        one_sense: see `draw_sliding_pair`.

    Raises:
        WeightsError: a file of an earlier run is damaged.
        OutputError: the folder cannot be written.
    """
    settings = config.registration_training
    drawn = {name: value for name, value in vars(sliding).items() if name.isupper()}
    fingerprint = fingerprint_of(config.model_dump(mode="json"), drawn, one_sense)
    out = folder / f"{config.registration.head}-seed{settings.seed}-{fingerprint}.safetensors"
    torch.manual_seed(settings.seed)
    vectors = torch.eye(REGIONS) if config.registration.head == "text" else None
    net = build_for_training(config.registration, vectors)
    plan = Plan(
        out,
        settings.steps,
        settings.learning_rate,
        settings.power,
        settings.validate_every,
        fingerprint,
        batch=settings.batch,
    )

    def losses_of(item: int) -> dict[str, Tensor]:
        pair = draw_sliding_pair(item_generator(settings.seed, item), one_sense=one_sense)
        return pair_losses(net, TrainingPair(pair.fixed, pair.moving.sample), 1, config, REGIONS, CPU)

    if out.is_file():
        net.load_state_dict(read_own(out, HEADER_KEY).tensors)
    else:
        train(net, plan, losses_of, dict)
        write_tensors(out, net.state_dict(), HEADER_KEY, {"fingerprint": fingerprint})
        plan.checkpoint.unlink(missing_ok=True)
    return net.eval().requires_grad_(False)


def displacement_of(net: RegistrationNet, pair: SlidingPair) -> Float[Tensor, "1 3 X Y Z"]:
    """u of a pair, in voxels."""
    fixed = pair.fixed
    output = net(pair.moving.sample.image, fixed.sample.image, fixed.regions, fixed.confidence)
    return output.displacement


def with_one_region(pair: SlidingPair) -> SlidingPair:
    """Returns the pair with regions that say body 1 everywhere; images and labels stay."""
    return replace(pair, fixed=replace(pair.fixed, regions=torch.ones_like(pair.fixed.regions)))


def best_of_losses(pair: SlidingPair, losses: LossConfig) -> Float[Tensor, "1 3 X Y Z"]:
    """The displacement to which the losses lead without any network, starting from the true one.

    How sharply it jumps is what the losses, above all their smoothness weight, allow a network to do.
    """
    moving, fixed = pair.moving.sample, pair.fixed.sample
    channels = torch.cat([moving.image, one_hot(moving.labels, REGIONS)], dim=1)
    target = one_hot(fixed.labels, REGIONS)
    u = pair.displacement.clone().requires_grad_()
    optimizer = torch.optim.Adam([u], lr=DESCENT_RATE_VOX)
    for step in range(DESCENT_STEPS):
        # The rate falls to zero, or the field would keep trembling by a part of it.
        optimizer.param_groups[0]["lr"] = DESCENT_RATE_VOX * (1 - step / DESCENT_STEPS)
        terms = weighted_losses(warp(channels, u), fixed.image, target, u, u, losses)
        optimizer.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimizer.step()
    return u.detach()
