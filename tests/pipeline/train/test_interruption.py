"""A training that is stopped or killed goes on without a trace in its weights and its log."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pairs.errors import Stopped, WeightsError
from pipeline.machine import stopping
from pipeline.train import loop
from pipeline.train.loop import Plan, train
from tests.pipeline.train.conftest import equal
from tests.pipeline.train.noisytraining import log_lines, network, noisy_losses, run

__all__: list[str] = []


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
