"""The training loop: schedule, checkpoints, metrics log, progress; the same for every network."""

import logging
import math
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import torch
from tqdm import tqdm

from pairs.errors import Stopped
from pipeline.configtypes import Schedule
from pipeline.machine.device import repeatable
from pipeline.machine.stopping import interruptible, stop_requested
from pipeline.train.average import Average
from pipeline.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from pipeline.train.metricslog import MetricsLog
from pipeline.train.ranks import ALONE, Ranks
from pipeline.typing import Tensor

__all__ = ["Plan", "Stage", "cosine_rate", "item_generator", "polynomial_rate", "train"]

log = logging.getLogger(__name__)

CHECKPOINT_EVERY_S = 60.0
MAX_GRADIENT_NORM = 1.0
"""A step sees few subjects or pairs; an odd one must not throw the weights away at a high rate."""

_GO_ON = "run the same command to go on"


class Stage(NamedTuple):
    """A part of a training that is one of its own: its rate decays from the first step to the last."""

    number: int
    """From 0."""
    start: int
    """Its first step."""
    steps: int


@dataclass(frozen=True)
class Plan:
    """What one training run is.

    Attributes:
        out: file the trained weights will go to; checkpoint and metrics log lie beside it.
        steps: optimizer steps in all.
        learning_rate: rate of the first step.
        power: exponent of the polynomial decay.
        validate_every: steps between validations.
        fingerprint: hash of everything the result depends on; a checkpoint of another one is refused.
        stages: steps of each stage; none are one stage of all steps.
        schedule: how the rate decays.
        warm_up: steps at the start of each stage over which the rate rises from 0.
        average: decay of the moving average of the weights; 0 trains to the last weights.
        batch: items of a step, whose losses are averaged.
    """

    out: Path
    steps: int
    learning_rate: float
    power: float
    validate_every: int
    fingerprint: str
    stages: tuple[int, ...] = ()
    schedule: Schedule = "polynomial"
    warm_up: int = 0
    average: float = 0.0
    batch: int = 1

    @property
    def all_items(self) -> range:
        """The items of the whole training, pairs or subjects, in the order in which they are learnt from."""
        return range(self.steps * self.batch)

    def items(self, step: int) -> range:
        """Those of a step."""
        return self.all_items[step * self.batch : (step + 1) * self.batch]

    def step_of(self, item: int) -> int:
        """The step that an item belongs to."""
        return item // self.batch

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        stage = self.stage(step)
        done = step - stage.start
        if self.schedule == "cosine":
            rate = cosine_rate(self.learning_rate, done, stage.steps)
        else:
            rate = polynomial_rate(self.learning_rate, done, stage.steps, self.power)
        return rate * min(1.0, (done + 1) / (self.warm_up + 1))

    def stage(self, step: int) -> Stage:
        """The stage that a step belongs to; stages of no steps are passed over."""
        lengths = self.stages or (self.steps,)
        starts = accumulate((0, *lengths[:-1]))
        number, start = [(n, start) for n, start in enumerate(starts) if start <= step][-1]
        return Stage(number, start, lengths[number])

    @property
    def checkpoint(self) -> Path:
        """Removed when the training is finished."""
        return self.out.with_suffix(".checkpoint.safetensors")

    @property
    def metrics(self) -> Path:
        """One JSON object a line."""
        return self.out.with_suffix(".metrics.jsonl")


def polynomial_rate(initial: float, step: int, steps: int, power: float) -> float:
    """initial * (1 - step / steps) ** power (textSCF section IV-B)."""
    return initial * (1 - step / steps) ** power


def cosine_rate(initial: float, step: int, steps: int) -> float:
    """Half a cosine from `initial` down to 0."""
    return initial * (1 + math.cos(math.pi * step / steps)) / 2


def item_generator(seed: int, item: int) -> torch.Generator:
    """The random numbers of one item: the same in a resumed training, and in whichever process takes it."""
    return torch.Generator().manual_seed(seed * 1_000_003 + item)


@repeatable()
def train(
    module: torch.nn.Module,
    plan: Plan,
    losses_of: Callable[[int], Mapping[str, Tensor]],
    validate: Callable[[], Mapping[str, float]],
    ranks: Ranks = ALONE,
) -> None:
    """Minimise the sum of the losses with Adam (AMSGrad, as the authors' code), resuming where it stood.

    Args:
        module: trained in place.
        plan: length, rates and files.
        losses_of: the weighted losses of an item, given its number; a step learns their mean over its batch.
        validate: figures on held-out subjects, logged every `plan.validate_every` steps.
        ranks: the processes that share each batch, of which this is one.

    Raises:
        Stopped: a signal arrived, or another process ended; the same command goes on from the checkpoint.
        WeightsError: the checkpoint found belongs to another configuration.
    """
    optimizer = torch.optim.Adam(module.parameters(), lr=plan.learning_rate, amsgrad=True, fused=True)
    average = Average(module, plan.average)
    at = Checkpoint(step=0, seconds=0.0)
    if plan.checkpoint.is_file():
        at = load_checkpoint(plan.checkpoint, module, optimizer, plan.fingerprint, average)
        log.info("resuming %s at step %d of %d", plan.out.name, at.step, plan.steps)
    metrics = MetricsLog(plan.metrics, keep_until=at.step) if ranks.leads else None
    saved = time.monotonic()
    started = saved - at.seconds
    hidden = not (ranks.leads and sys.stderr.isatty())
    bar = tqdm(total=plan.steps, initial=at.step, unit="step", disable=hidden)

    def save() -> None:
        if ranks.leads:
            save_checkpoint(plan.checkpoint, module, optimizer, at, plan.fingerprint, average)

    try:
        at = _validated(module, average, validate, at, metrics)
        for step in range(at.step, plan.steps):
            losses = _optimise(module, optimizer, plan, step, losses_of, ranks)
            average.update(step + 1)
            bar.update()
            is_due = (step + 1) % plan.validate_every == 0 or step + 1 == plan.steps
            # To read a loss is to wait for the GPU: only where it is due, and before the clock is read.
            figures = {name: value.item() for name, value in losses.items()} if is_due else None
            at = Checkpoint(step + 1, time.monotonic() - started, figures)
            at = _validated(module, average, validate, at, metrics)
            if stop_requested():
                raise Stopped("training stopped")
            if time.monotonic() - saved > CHECKPOINT_EVERY_S:
                save()
                saved = time.monotonic()
    except Stopped as error:
        save()
        raise Stopped("training stopped", where=plan.checkpoint, remedy=_GO_ON) from error
    finally:
        bar.close()  # The line that says why a training ended begins below it.
    average.settle()


def _optimise(
    module: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    plan: Plan,
    step: int,
    losses_of: Callable[[int], Mapping[str, Tensor]],
    ranks: Ranks,
) -> dict[str, Tensor]:
    stage = plan.stage(step)
    if step == stage.start:
        # The moments of the stage before are those of another loss.
        optimizer.state.clear()
    for group in optimizer.param_groups:
        group["lr"] = plan.rate(step)
    module.train()
    # A signal here leaves the weights as they were after the step before.
    with interruptible():
        optimizer.zero_grad(set_to_none=True)
        losses = _differentiated(ranks.share(plan.items(step)), plan.batch, losses_of)
        losses = ranks.added(losses, module)
        torch.nn.utils.clip_grad_norm_(module.parameters(), MAX_GRADIENT_NORM)
    optimizer.step()
    return losses


def _differentiated(
    items: Iterable[int], batch: int, losses_of: Callable[[int], Mapping[str, Tensor]]
) -> dict[str, Tensor]:
    """What these items add to the mean losses of a batch, and to the gradients of their sum.

    One after the other, since items may differ in shape; the memory is that of one.
    """
    added: dict[str, Tensor] = {}
    for item in items:
        losses = {name: value / batch for name, value in losses_of(item).items()}
        torch.stack(list(losses.values())).sum().backward()
        added = {name: added.get(name, 0) + value.detach() for name, value in losses.items()}
    return added


def _validated(
    module: torch.nn.Module,
    average: Average,
    validate: Callable[[], Mapping[str, float]],
    at: Checkpoint,
    metrics: MetricsLog | None,
) -> Checkpoint:
    """Validates and logs where that is due; a signal leaves it to the training that resumes."""
    if at.losses is None or metrics is None:
        return at
    module.eval()
    # The averaged weights are put in and taken out whole: a signal ends what lies between.
    with torch.no_grad(), average.applied(), interruptible():
        figures = validate()
    metrics.add(at, at.losses, figures)
    return replace(at, losses=None)
