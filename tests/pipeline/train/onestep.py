"""A step of both trainings, by one process or several; what the processes of a test are told to do."""

from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from pipeline.config import RegistrationConfig, SegmentorConfig, SegmentorTraining, TaskConfig
from pipeline.train.loop import Plan
from pipeline.train.material import scanned_material
from pipeline.train.pairing import any_two
from pipeline.train.pairs import Group, scanned_pairs
from pipeline.train.ranks import Ranks
from pipeline.train.registrationnetwork import train_registration
from pipeline.train.segmentor import train_segmentor
from tests.pipeline.train.cubes import CUBES, toy_config

__all__ = ["BATCH", "CASES", "take_step"]

BATCH = 3
CPU = torch.device("cpu")
# Of so large a weight that the gradients are clipped.
LOSSES = {"similarity": 1e4, "augmentation": 0.5, "batch": BATCH}
BACKBONES = {
    "registration": RegistrationConfig(start_channels=2, mlp_width=4),
    # In the last of its stages the coarser levels rest, and have no gradient.
    "pyramid": RegistrationConfig(backbone="lapirn", start_channels=2, mlp_width=4),
    # Stochastic depth draws numbers of its own.
    "attention": RegistrationConfig(backbone="transmorph-tiny", window=(2, 2, 2), mlp_width=4),
}
CASES = ("segmentor", *BACKBONES)


def take_step(case: str, out: Path, ranks: Ranks) -> int:
    """Trains a step, or one for each level of a pyramid; each process keeps its gradients and weights."""
    steps = 3 if case == "pyramid" else 1
    own = out.with_name(f"{case}{ranks.rank}of{ranks.count}")
    plan = Plan(own, steps, 1e-8, 0.9, steps, "mine", average=0.5)
    if case == "segmentor":
        settings = SegmentorTraining(batch=BATCH, augmentation=0.5)
        config = TaskConfig(
            task="Toy",
            segmentor=SegmentorConfig(channels=(4, 8), residual_units=1),
            segmentor_training=settings,
        )
        samples = [replace(one.sample, image=10 * one.sample.image) for one in CUBES]
        net = train_segmentor(config, scanned_material(config, samples, ()), 2, plan, CPU, ranks)
    else:
        stages = {"stages": (1, 1, 1), "resting_steps": 1} if case == "pyramid" else {}
        config = toy_config(passes=2, **LOSSES, **stages)
        config = config.model_copy(update={"registration": BACKBONES[case]})
        vectors = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
        material = scanned_pairs([Group(CUBES, any_two)], (), config)
        net = train_registration(config, material, vectors, 3, plan, CPU, ranks)
    tensors = {f"weight.{name}": one.detach() for name, one in net.named_parameters()}
    tensors |= {f"gradient.{name}": one.grad for name, one in net.named_parameters() if one.grad is not None}
    save_file(tensors, plan.out)
    return 0


def take_steps(out: Path, ranks: Ranks) -> int:
    for case in CASES:
        take_step(case, out, ranks)
    return 0
