"""The training loop: rates, log, and an interruption that leaves no trace in the weights."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from pairs.errors import OutputError, Stopped, WeightsError
from pipeline.machine import stopping
from pipeline.train import loop
from pipeline.train.loop import Plan, cosine_rate, polynomial_rate, step_generator, train

__all__: list[str] = []

Losses = Callable[[int], dict[str, torch.Tensor]]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    out = tmp_path / "net.safetensors"
    return Plan(out, steps=9, learning_rate=0.05, power=0.9, validate_every=2, fingerprint="mine")


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.PReLU(), nn.Linear(4, 1))


def noisy_losses(module: nn.Module) -> Losses:
    """Losses that draw random numbers, as pairs and augmentations do."""

    def losses_of(step: int) -> dict[str, torch.Tensor]:
        output = module(torch.randn(5, 3, generator=step_generator(7, step)))
        return {"fit": output.square().mean(), "size": 0.1 * output.abs().mean()}

    return losses_of


def run(plan: Plan) -> nn.Module:
    module = network()
    train(module, plan, noisy_losses(module), lambda: {"dice": 0.5})
    return module


def stop_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """A signal arrives during the given step of the next training."""
    asked = iter(range(10_000))
    monkeypatch.setattr(loop, "stop_requested", lambda: next(asked) >= steps - 1)


def signalled() -> None:
    """A signal arrives, and whoever goes on after it does too much."""
    stopping.listen_for_signals()
    os.kill(os.getpid(), signal.SIGTERM)
    pytest.fail("went on after the signal")


def without_seconds(plan: Plan) -> list[dict]:
    return [{key: value for key, value in line.items() if key != "seconds"} for line in log_lines(plan)]


def log_lines(plan: Plan) -> list[dict]:
    return [json.loads(line) for line in plan.metrics.read_text().splitlines()]


def equal(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_polynomial_rate_at_start_middle_and_end() -> None:
    assert polynomial_rate(1e-4, 0, 1000, 0.9) == 1e-4
    assert polynomial_rate(1e-4, 500, 1000, 0.9) == pytest.approx(5.359e-5, rel=1e-4)
    assert polynomial_rate(1e-4, 1000, 1000, 0.9) == 0


def test_cosine_rate_at_start_middle_and_end() -> None:
    assert cosine_rate(1e-3, 0, 100) == 1e-3
    assert cosine_rate(1e-3, 50, 100) == pytest.approx(5e-4)
    assert cosine_rate(1e-3, 100, 100) == pytest.approx(0)


def test_the_rate_rises_at_the_start_of_each_stage(plan: Plan) -> None:
    staged = replace(plan, stages=(5, 4), warm_up=3, schedule="cosine")
    rises = [staged.rate(step) / cosine_rate(0.05, step, 5) for step in range(5)]
    assert rises == pytest.approx([0.25, 0.5, 0.75, 1, 1])
    assert staged.rate(5) == pytest.approx(0.05 / 4)


def test_without_warm_up_the_rate_is_the_polynomial(plan: Plan) -> None:
    assert [plan.rate(step) for step in range(9)] == [
        polynomial_rate(0.05, step, 9, 0.9) for step in range(9)
    ]


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


def test_an_interrupted_training_ends_with_the_same_average(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    averaged = replace(plan, average=0.8, schedule="cosine", warm_up=2)
    unbroken = run(replace(averaged, out=tmp_path / "unbroken"))
    with monkeypatch.context() as during:
        stop_after(during, 4)
        with pytest.raises(Stopped):
            run(averaged)
    assert equal(run(averaged), unbroken)


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


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ((4, 5), [(0, 0, 4)] * 4 + [(1, 4, 5)] * 5),
        ((0, 0, 9), [(2, 0, 9)] * 9),
        ((2, 0, 7), [(0, 0, 2)] * 2 + [(2, 2, 7)] * 7),
        ((), [(0, 0, 9)] * 9),
    ],
)
def test_each_step_has_its_stage(
    plan: Plan, stages: tuple[int, ...], expected: list[tuple[int, ...]]
) -> None:
    assert [replace(plan, stages=stages).stage(step) for step in range(9)] == expected


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


def test_steps_draw_their_own_numbers_again_and_again() -> None:
    def draw(seed: int, step: int) -> float:
        return torch.rand((), generator=step_generator(seed, step)).item()

    assert draw(1, 5) == draw(1, 5)
    assert len({draw(seed, step) for seed in range(3) for step in range(20)}) == 60


@pytest.mark.parametrize("steps", [1, 2, 5, 8, 9])
def test_an_interrupted_training_ends_with_the_same_weights(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    unbroken_plan = replace(plan, out=tmp_path / "unbroken.safetensors")
    unbroken = run(unbroken_plan)
    with monkeypatch.context() as during:
        stop_after(during, steps)
        with pytest.raises(Stopped) as caught:
            run(plan)
    assert caught.value.exit_code == 75
    assert plan.checkpoint.is_file()
    resumed = run(plan)
    assert equal(resumed, unbroken)
    assert [line["step"] for line in log_lines(plan)] == [line["step"] for line in log_lines(unbroken_plan)]
    assert [line["losses"] for line in log_lines(plan)] == [
        line["losses"] for line in log_lines(unbroken_plan)
    ]


@pytest.mark.parametrize("average", [0.0, 0.8])
@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_signal_during_a_validation_ends_it_and_the_log_lacks_nothing(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, average: float
) -> None:
    plan = replace(plan, average=average)
    unbroken_plan = replace(plan, out=tmp_path / "unbroken.safetensors")
    unbroken = run(unbroken_plan)
    module, validations = network(), iter(range(1, 10))

    def validate() -> dict[str, float]:
        if next(validations) == number:
            signalled()
        return {"dice": 0.5}

    with pytest.raises(Stopped, match=r"training stopped: .*checkpoint.*; run the same command"):
        train(module, plan, noisy_losses(module), validate)
    assert len(log_lines(plan)) == number - 1
    monkeypatch.setattr(stopping, "_requested", False)
    assert equal(run(plan), unbroken)
    assert without_seconds(plan) == without_seconds(unbroken_plan)


@pytest.mark.parametrize("number", [0, 3, 8])
def test_a_signal_during_a_step_ends_it(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    unbroken_plan = replace(plan, out=tmp_path / "unbroken.safetensors")
    unbroken = run(unbroken_plan)
    module = network()
    losses_of = noisy_losses(module)

    def losses(step: int) -> dict[str, torch.Tensor]:
        found = losses_of(step)
        if step == number:
            signalled()
        return found

    with pytest.raises(Stopped):
        train(module, plan, losses, dict)
    monkeypatch.setattr(stopping, "_requested", False)
    assert equal(run(plan), unbroken)
    assert [line["step"] for line in log_lines(plan)] == [2, 4, 6, 8, 9]


def test_a_training_interrupted_twice(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unbroken = run(replace(plan, out=tmp_path / "unbroken.safetensors"))
    for steps in (3, 2):
        with monkeypatch.context() as during:
            stop_after(during, steps)
            with pytest.raises(Stopped):
                run(plan)
    assert equal(run(plan), unbroken)


def test_a_killed_training_goes_on_from_its_last_checkpoint(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines of the log past the checkpoint, and half a line, are dropped and written anew."""
    unbroken = run(replace(plan, out=tmp_path / "unbroken.safetensors"))
    with monkeypatch.context() as during:
        stop_after(during, 5)
        with pytest.raises(Stopped):
            run(plan)
    with plan.metrics.open("a") as file:
        file.write('{"step": 6, "losses": {}}\n{"step": 8, "lo')
    assert equal(run(plan), unbroken)
    assert [line["step"] for line in log_lines(plan)] == [2, 4, 6, 8, 9]
    assert all("held_out" in line for line in log_lines(plan))


def test_checkpoints_are_written_as_time_passes(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    run(plan)
    assert not plan.checkpoint.exists()
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY_S", -1.0)
    run(plan)
    assert plan.checkpoint.exists()


def test_a_checkpoint_of_another_configuration_is_refused(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as during:
        stop_after(during, 4)
        with pytest.raises(Stopped):
            run(plan)
    kept, log = plan.checkpoint.read_bytes(), plan.metrics.read_text()
    with pytest.raises(WeightsError, match="another training or configuration"):
        run(replace(plan, fingerprint="theirs"))
    assert (plan.checkpoint.read_bytes(), plan.metrics.read_text()) == (kept, log)


def test_log_has_one_line_a_validation_and_one_at_the_end(plan: Plan) -> None:
    run(plan)
    lines = log_lines(plan)
    assert [line["step"] for line in lines] == [2, 4, 6, 8, 9]
    for line in lines:
        assert line.keys() == {"step", "seconds", "losses", "held_out"}
        assert line["losses"].keys() == {"fit", "size"}
        assert line["held_out"] == {"dice": 0.5}
    assert [line["seconds"] for line in lines] == sorted(line["seconds"] for line in lines)


def test_a_new_training_starts_a_new_log(plan: Plan) -> None:
    plan.metrics.write_text('{"step": 1}\n')
    run(plan)
    assert [line["step"] for line in log_lines(plan)] == [2, 4, 6, 8, 9]


def test_a_log_that_cannot_be_written_is_an_output_error(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        run(replace(plan, out=tmp_path / "absent" / "net.safetensors"))


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


def test_checkpoint_and_log_lie_beside_the_weights(plan: Plan) -> None:
    assert plan.checkpoint == plan.out.parent / "net.checkpoint.safetensors"
    assert plan.metrics == plan.out.parent / "net.metrics.jsonl"


def test_losses_are_read_only_where_they_are_told(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """To read one is to wait for a GPU; two of them at each of five validations, and none at other steps."""
    read, item = [], torch.Tensor.item
    monkeypatch.setattr(torch.Tensor, "item", lambda tensor: read.append(1) or item(tensor))
    run(plan)
    assert len(read) == 2 * len(log_lines(plan)) == 10


def test_a_training_repeats_itself(plan: Plan) -> None:
    seen, module = [], network()

    def losses_of(step: int) -> dict[str, torch.Tensor]:
        seen.append(torch.backends.cudnn.deterministic)
        return noisy_losses(module)(step)

    train(module, plan, losses_of, dict)
    assert set(seen) == {True}
    assert not torch.backends.cudnn.deterministic


def test_the_bar_is_closed_before_it_is_said_why_a_training_stopped(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []

    class Bar:
        def __init__(self, **_: object) -> None:
            closed.append(False)

        def update(self) -> None:
            pass

        def close(self) -> None:
            closed[-1] = True

    monkeypatch.setattr(loop, "tqdm", Bar)
    stop_after(monkeypatch, 3)
    with pytest.raises(Stopped):
        run(plan)
    assert closed == [True]
