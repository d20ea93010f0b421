"""The moving average of weights: what it comes to, and that it leaves the training alone."""

import pytest
import torch
from torch import nn

from pipeline.train.average import Average

__all__: list[str] = []


def module(value: float = 0.0) -> nn.Linear:
    linear = nn.Linear(1, 1, bias=False)
    nn.init.constant_(linear.weight, value)
    return linear


def moved(linear: nn.Linear, average: Average, values: list[float], start: int = 1) -> None:
    for step, value in enumerate(values, start):
        nn.init.constant_(linear.weight, value)
        average.update(step)


def test_it_forgets_the_start_and_then_decays_as_asked() -> None:
    linear = module(5.0)
    average = Average(linear, 0.9)
    moved(linear, average, [1.0] * 200)
    assert average.values["weight"].item() == pytest.approx(1.0, abs=1e-4)
    moved(linear, average, [2.0], start=201)
    assert average.values["weight"].item() == pytest.approx(1.1, abs=1e-4)


def test_the_first_steps_count_for_more() -> None:
    linear = module(5.0)
    average = Average(linear, 0.99)
    moved(linear, average, [1.0])
    assert average.values["weight"].item() == pytest.approx(1 + 4 / 11)


def test_applied_and_taken_back() -> None:
    linear = module(0.0)
    average = Average(linear, 0.5)
    moved(linear, average, [4.0] * 50)
    nn.init.constant_(linear.weight, 9.0)
    with average.applied():
        assert linear.weight.item() == pytest.approx(4.0)
    assert linear.weight.item() == 9.0
    average.settle()
    assert linear.weight.item() == pytest.approx(4.0)


def test_it_is_taken_back_after_a_fault_too() -> None:
    linear = module(9.0)
    average = Average(linear, 0.5)
    average.values["weight"].zero_()
    with pytest.raises(KeyError), average.applied():
        raise KeyError
    assert linear.weight.item() == 9.0


def test_without_a_decay_there_is_none() -> None:
    linear = module(3.0)
    average = Average(linear, 0.0)
    moved(linear, average, [7.0])
    average.settle()
    with average.applied():
        assert linear.weight.item() == 7.0
    assert average.values == {}


def test_gradients_do_not_reach_it() -> None:
    linear = module(1.0)
    average = Average(linear, 0.9)
    linear(torch.ones(1, 1)).sum().backward()
    average.update(1)
    assert not average.values["weight"].requires_grad
