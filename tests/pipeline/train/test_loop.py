"""The training loop: what is minimised at each step, what is validated, and what is kept."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from pipeline.train.loop import Plan, item_generator, train
from tests.pipeline.train.conftest import equal
from tests.pipeline.train.noisytraining import log_lines, network, noisy_losses, run

__all__: list[str] = []


def test_the_average_is_what_is_validated_and_kept(plan: Plan) -> None:
    module, seen = nn.Linear(1, 1, bias=False), []
    nn.init.constant_(module.weight, 1.0)

    def validate() -> dict[str, float]:
        seen.append(module.weight.item())
        return {}

    train(module, replace(plan, average=0.9), lambda _: {"slope": module.weight.sum()}, validate)
    assert module.weight.item() == seen[-1]
    # Adam goes down a slope by the rate in each step; the average lags behind.
    last = 1 - sum(plan.rate(step) for step in range(plan.steps))
    assert last + 0.005 < module.weight.item() < 1


def test_each_step_is_taken_at_its_own_rate(plan: Plan) -> None:
    """Adam moves a weight of constant gradient by exactly the learning rate."""
    module = nn.Linear(1, 1, bias=False).double()
    positions = []

    def losses_of(step: int) -> dict[str, torch.Tensor]:
        positions.append(module.weight.item())
        return {"slope": module.weight.sum()}

    train(module, plan, losses_of, dict)
    moves = [a - b for a, b in zip(positions, [*positions[1:], module.weight.item()], strict=True)]
    assert moves == pytest.approx([0.05 * (1 - step / 9) ** 0.9 for step in range(9)], rel=1e-6)


def test_a_stage_is_a_training_of_its_own(plan: Plan, tmp_path: Path) -> None:
    """What comes before it leaves weights, but neither a lower rate nor moments."""
    staged = network()
    train(staged, replace(plan, stages=(4, 5)), noisy_losses(staged), dict)
    apart = network()
    train(apart, replace(plan, steps=4, out=tmp_path / "first"), noisy_losses(apart), dict)
    later = noisy_losses(apart)
    train(apart, replace(plan, steps=5, out=tmp_path / "second"), lambda step: later(step + 4), dict)
    assert equal(staged, apart)
    assert not equal(staged, run(replace(plan, out=tmp_path / "whole")))


def test_the_sum_of_the_losses_is_minimised(plan: Plan) -> None:
    module = nn.Linear(1, 1, bias=False)
    before = module.weight.item()
    train(module, plan, lambda _: {"up": -3 * module.weight.sum(), "down": module.weight.sum()}, dict)
    assert module.weight.item() > before


def test_a_batch_is_learnt_by_the_mean_of_its_losses(plan: Plan, tmp_path: Path) -> None:
    """Items are numbered through the training; a batch of the same item is a step of that item alone."""
    seen, module, alone = [], network(), network()

    def losses_of(item: int) -> dict[str, torch.Tensor]:
        seen.append(item)
        return noisy_losses(module)(item // 3)

    train(module, replace(plan, batch=3), losses_of, dict)
    assert seen == list(range(27))
    train(alone, replace(plan, out=tmp_path / "alone"), noisy_losses(alone), dict)
    for one, other in zip(module.parameters(), alone.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    tripled, single = log_lines(plan)[-1], log_lines(replace(plan, out=tmp_path / "alone"))[-1]
    assert tripled["losses"] == pytest.approx(single["losses"], abs=1e-5)


def test_steps_draw_their_own_numbers_again_and_again() -> None:
    def draw(seed: int, step: int) -> float:
        return torch.rand((), generator=item_generator(seed, step)).item()

    assert draw(1, 5) == draw(1, 5)
    assert len({draw(seed, step) for seed in range(3) for step in range(20)}) == 60


def test_validation_sees_the_module_in_eval_and_without_gradients(plan: Plan) -> None:
    module, seen = network(), []

    def losses_of(step: int) -> dict[str, torch.Tensor]:
        seen.append(("train", module.training, torch.is_grad_enabled()))
        return noisy_losses(module)(step)

    def validate() -> dict[str, float]:
        seen.append(("validate", module.training, torch.is_grad_enabled()))
        return {}

    train(module, plan, losses_of, validate)
    assert set(seen) == {("train", True, True), ("validate", False, False)}


def test_validation_does_not_change_the_training(plan: Plan, tmp_path: Path) -> None:
    often = run(replace(plan, out=tmp_path / "a.safetensors", validate_every=1))
    seldom = run(replace(plan, out=tmp_path / "b.safetensors", validate_every=1000))
    assert equal(often, seldom)


def test_a_training_repeats_itself(plan: Plan) -> None:
    seen, module = [], network()

    def losses_of(step: int) -> dict[str, torch.Tensor]:
        seen.append(torch.backends.cudnn.deterministic)
        return noisy_losses(module)(step)

    train(module, plan, losses_of, dict)
    assert set(seen) == {True}
    assert not torch.backends.cudnn.deterministic
